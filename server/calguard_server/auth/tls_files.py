"""The files of TLS: the server's certificate and key, and who signs the certificates of callers.

They are taken together or not at all. Files are seldom renewed all in one moment, so what has changed is judged only
when the next look finds it unchanged. What is said of a bad file names the setting, and never what stands in the file.
"""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from calguard_server.auth.watched_file import WatchedFile
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock

_CERT, _KEY, _CLIENT_CA = "CALGUARD_TLS_CERT", "CALGUARD_TLS_KEY", "CALGUARD_TLS_CLIENT_CA"


class TlsFilesError(Exception):
    """A file cannot be read, or is bad. The text names the setting and the file, and says what was expected."""


class TlsMaterial(Struct, frozen=True):
    """What the files hold, in PEM, found to fit together; `client_ca` is empty where callers need no certificate.

    From `expires` on the server's certificate is no good any more.
    """

    certificates: bytes
    key: Secret
    client_ca: bytes
    expires: datetime


class TlsFiles:
    """The files, looked at again and again; an empty `client_ca` is none."""

    def __init__(self, certificate: str, key: str, client_ca: str, clock: Clock) -> None:
        named = {_CERT: certificate, _KEY: key, _CLIENT_CA: client_ca}
        self._files = {setting: WatchedFile(Path(path)) for setting, path in named.items() if path}
        self._raw: dict[str, bytes] = {}
        self._clock = clock
        self._changed = False

    def read(self) -> TlsMaterial:
        """Read them. Raises TlsFilesError."""
        for setting, file in self._files.items():
            try:
                self._raw[setting] = file.read()
            except OSError as error:
                raise self._unreadable(setting, error) from None
        return self._judge()

    def poll(self) -> TlsMaterial | None:
        """Answer what they hold where that has changed, and then stayed so for a look; None where it has not.

        Raises TlsFilesError: each time while one cannot be read, once for each bad content.
        """
        found = {
            setting: raw for setting, file in self._files.items() if (raw := self._poll(setting, file)) is not None
        }
        self._raw |= found
        settled = self._changed and not found
        self._changed = bool(found)
        return self._judge() if settled else None

    def _poll(self, setting: str, file: WatchedFile) -> bytes | None:
        try:
            return file.poll()
        except OSError as error:
            self._changed = True
            raise self._unreadable(setting, error) from None

    def _judge(self) -> TlsMaterial:
        now, leaf = self._clock.now(), self._certificates(_CERT)[0]
        if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
            valid = f"from {leaf.not_valid_before_utc.isoformat()} to {leaf.not_valid_after_utc.isoformat()}"
            raise self._bad(_CERT, f"expected a certificate that is valid now, and not {valid}")
        self._check_key(leaf)
        if _CLIENT_CA in self._files:
            self._certificates(_CLIENT_CA)
        key = Secret(self._raw[_KEY].decode("latin-1"))
        return TlsMaterial(self._raw[_CERT], key, self._raw.get(_CLIENT_CA, b""), leaf.not_valid_after_utc)

    def _certificates(self, setting: str) -> list[x509.Certificate]:
        try:
            return x509.load_pem_x509_certificates(self._raw[setting])
        except ValueError:
            raise self._bad(setting, "expected certificates in PEM") from None

    def _check_key(self, leaf: x509.Certificate) -> None:
        try:
            key = load_pem_private_key(self._raw[_KEY], None)
        except TypeError:
            raise self._bad(_KEY, "expected a private key that is not encrypted with a passphrase") from None
        except (ValueError, UnsupportedAlgorithm):
            raise self._bad(_KEY, "expected a private key in PEM") from None
        if not isinstance(key, RSAPrivateKey | EllipticCurvePrivateKey):
            raise self._bad(_KEY, "expected an RSA or an EC key")
        if key.public_key() != leaf.public_key():
            raise self._bad(_KEY, f"expected the key of the first certificate of {_CERT}")

    def _bad(self, setting: str, problem: str) -> TlsFilesError:
        return TlsFilesError(f"{setting}: {self._files[setting].path}: {problem}")

    def _unreadable(self, setting: str, error: OSError) -> TlsFilesError:
        return self._bad(setting, f"cannot be read: {error.strerror}")
