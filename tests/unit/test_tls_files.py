"""The files of TLS: what is refused, by the setting's name, and when a change is believed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from calguard_server.auth.tls_files import ClientCaFile, PairFiles, TlsFilesError
from tests.fakes.certificates import SERVER_NAMES, Pair, authority, private_pem, put
from tests.fakes.world import START, ManualClock

CA = authority()
SERVER = CA.issue(*SERVER_NAMES)
OTHER = CA.issue(*SERVER_NAMES)
LATE = CA.issue(*SERVER_NAMES, end=START)


class Folder:
    """The three files, and what reads them."""

    def __init__(self, path: Path) -> None:
        self.cert, self.key = SERVER.write(path, "server")
        self.ca = path / "ca.pem"
        put(self.ca, CA.cert)
        self.clock = ManualClock()
        self.files = PairFiles(str(self.cert), str(self.key), self.clock)
        self.ca_file = ClientCaFile(str(self.ca))

    def put(self, pair: Pair) -> None:
        put(self.cert, pair.cert)
        put(self.key, pair.key)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def ed25519_key() -> bytes:
    return ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_what_fits_together_is_taken(folder: Folder) -> None:
    pair = folder.files.read()
    assert (pair.certificates, pair.key.reveal()) == (SERVER.cert, SERVER.key.decode())
    assert pair.expires == SERVER.certificate.not_valid_after_utc
    assert SERVER.key.decode() not in repr(pair)
    assert folder.ca_file.read() == CA.cert


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda f: put(f.cert, b"hunter2"), "CALGUARD_TLS_CERT: {cert}: expected certificates in PEM"),
        (lambda f: put(f.cert, SERVER.key), "CALGUARD_TLS_CERT: {cert}: expected certificates in PEM"),
        (lambda f: f.cert.unlink(), "CALGUARD_TLS_CERT: {cert}: cannot be read: No such file"),
        (lambda f: f.put(LATE), "CALGUARD_TLS_CERT: {cert}: expected a certificate that is valid now, and not from"),
        (lambda f: put(f.key, b"hunter2"), "CALGUARD_TLS_KEY: {key}: expected a private key in PEM"),
        (lambda f: put(f.key, SERVER.cert), "CALGUARD_TLS_KEY: {key}: expected a private key in PEM"),
        (lambda f: put(f.key, ed25519_key()), "CALGUARD_TLS_KEY: {key}: expected an RSA or an EC key"),
        (
            lambda f: put(f.key, private_pem(SERVER.private, b"hunter2")),
            "CALGUARD_TLS_KEY: {key}: expected a private key that is not encrypted",
        ),
        (
            lambda f: put(f.key, OTHER.key),
            "CALGUARD_TLS_KEY: {key}: expected the key of the first certificate of CALGUARD_TLS_CERT",
        ),
        (lambda f: f.key.unlink(), "CALGUARD_TLS_KEY: {key}: cannot be read: No such file"),
        (lambda f: put(f.ca, b""), "CALGUARD_TLS_CLIENT_CA: {ca}: expected certificates in PEM"),
        (lambda f: f.ca.unlink(), "CALGUARD_TLS_CLIENT_CA: {ca}: cannot be read: No such file"),
    ],
)
def test_a_bad_file_is_told_by_its_setting_and_never_shown(
    folder: Folder, spoil: Callable[[Folder], object], told: str
) -> None:
    spoil(folder)
    with pytest.raises(TlsFilesError) as refusal:
        (folder.ca_file if "CLIENT_CA" in told else folder.files).read()
    assert str(refusal.value).startswith(told.format(cert=folder.cert, key=folder.key, ca=folder.ca))
    assert "hunter2" not in str(refusal.value)
    assert "PRIVATE" not in str(refusal.value)


def test_a_certificate_is_good_until_it_expires(folder: Folder) -> None:
    soon = CA.issue(*SERVER_NAMES, end=START + timedelta(hours=1))
    folder.put(soon)
    folder.clock.advance(timedelta(minutes=59))
    assert folder.files.read().expires == START + timedelta(hours=1)
    folder.clock.advance(timedelta(minutes=1))
    with pytest.raises(TlsFilesError, match="valid now"):
        folder.files.read()


def test_files_that_change_one_after_the_other_are_taken_together(folder: Folder) -> None:
    """No complaint about a certificate whose key is still on its way."""
    folder.files.read()
    assert [folder.files.poll() for _ in range(3)] == [None] * 3
    put(folder.cert, OTHER.cert)
    assert folder.files.poll() is None
    put(folder.key, OTHER.key)
    assert folder.files.poll() is None
    pair = folder.files.poll()
    assert pair is not None
    assert pair.certificates == OTHER.cert
    assert folder.files.poll() is None


def test_what_stays_bad_is_told_once_and_what_is_gone_each_time(folder: Folder) -> None:
    folder.files.read()
    put(folder.cert, OTHER.cert)
    assert folder.files.poll() is None
    with pytest.raises(TlsFilesError, match="expected the key of the first certificate"):
        folder.files.poll()
    assert folder.files.poll() is None
    folder.cert.unlink()
    for _ in range(2):
        with pytest.raises(TlsFilesError, match="cannot be read"):
            folder.files.poll()
    put(folder.cert, SERVER.cert)
    assert folder.files.poll() is None
    mended = folder.files.poll()
    assert mended is not None
    assert mended.certificates == SERVER.cert
