"""`calguard` over TLS, on the real server: by whom it trusts, and by the certificate that it calls with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from calguard_client.cli import main
from tests.e2e.bearer import READER, line, overwrite
from tests.fakes.certificates import SERVER_NAMES, authority, dns, private_pem, put
from tests.integration.cli_harness import Calguard, running_calguard


@dataclass
class Secured:
    """A server over TLS, and the files of its callers."""

    calguard: Calguard
    folder: Path

    def file(self, name: str) -> str:
        return str(self.folder / name)

    def run(self, *arguments: str, **environment: str) -> Result:
        given = {"CALGUARD_SERVER": self.calguard.address, "CALGUARD_TOKEN": None, **environment}
        return CliRunner().invoke(main, [*arguments, "accounts", "list"], env=given, prog_name="calguard")


def secured(folder: Path, *, mutual: bool) -> Iterator[Secured]:
    ca, other = authority(), authority()
    put(folder / "ca.pem", ca.cert)
    put(folder / "other.pem", other.cert)
    cert, key = ca.issue(*SERVER_NAMES).write(folder, "server")
    booking = ca.issue(dns("booking.example.com"))
    booking.write(folder, "booking")
    ca.issue(dns("unknown.example.com")).write(folder, "unknown")
    put(folder / "locked.key", private_pem(booking.private, b"hunter2"))
    overwrite(folder / "callers", "booking writer dns:booking.example.com", line("dashboard", "reader", READER))
    more = {"CALGUARD_TLS_CLIENT_CA": str(folder / "ca.pem")} if mutual else {}
    files = {"CALGUARD_TLS_CERT": str(cert), "CALGUARD_TLS_KEY": str(key)}
    with running_calguard(folder, CALGUARD_AUTH_TOKENS_FILE=str(folder / "callers"), **files, **more) as calguard:
        yield Secured(calguard, folder)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    yield from secured(tmp_path_factory.mktemp("tls"), mutual=False)


@pytest.fixture(scope="module")
def mtls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    yield from secured(tmp_path_factory.mktemp("mtls"), mutual=True)


def test_a_server_is_trusted_by_the_authority_that_is_named(tls: Secured) -> None:
    """By an option or in the environment; the token goes along."""
    assert tls.run("--tls-ca", tls.file("ca.pem"), CALGUARD_TOKEN=READER).exit_code == 0
    assert tls.run(CALGUARD_TLS_CA=tls.file("ca.pem"), CALGUARD_TOKEN=READER).exit_code == 0
    refused = tls.run("--tls-ca", tls.file("ca.pem"))
    assert refused.stderr.startswith("calguard: UNAUTHENTICATED TOKEN_MISSING: ")


@pytest.mark.parametrize("arguments", [(), ("--tls",), ("--tls-ca", "other.pem")])
def test_another_server_is_not_called(tls: Secured, arguments: tuple[str, ...]) -> None:
    """Nor in plain text, nor where only the public authorities are trusted."""
    given = [tls.file(each) if each.endswith(".pem") else each for each in arguments]
    refused = tls.run("--timeout", "5s", *given, CALGUARD_TOKEN=READER)
    assert refused.exit_code == 5
    assert refused.stderr.startswith(f"calguard: UNAVAILABLE: cannot reach a server at {tls.calguard.address}")


def test_a_certificate_is_called_with(mtls: Secured) -> None:
    pair = ("--tls-cert", mtls.file("booking.pem"), "--tls-key", mtls.file("booking.key"))
    trusting = ("--tls-ca", mtls.file("ca.pem"))
    assert mtls.run(*trusting, *pair).exit_code == 0
    named = {"CALGUARD_TLS_CLIENT_CERT": mtls.file("booking.pem"), "CALGUARD_TLS_CLIENT_KEY": mtls.file("booking.key")}
    assert mtls.run(CALGUARD_TLS_CA=mtls.file("ca.pem"), **named).exit_code == 0
    unknown = mtls.run(*trusting, "--tls-cert", mtls.file("unknown.pem"), "--tls-key", mtls.file("unknown.key"))
    assert unknown.stderr.startswith("calguard: UNAUTHENTICATED CERTIFICATE_UNKNOWN: this server knows none of the ")
    assert mtls.run("--timeout", "5s", *trusting, CALGUARD_TOKEN=READER).exit_code == 5


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--tls-ca", "nowhere.pem"), "Invalid value for '--tls-ca' (env var: 'CALGUARD_TLS_CA'): File "),
        (("--tls-ca", "booking.key"), "Invalid value for --tls-ca: expected certificates in PEM"),
        (("--tls-cert", "booking.pem"), "Invalid value for --tls-cert: expected --tls-cert and --tls-key both, or nei"),
        (("--tls-key", "booking.key"), "Invalid value for --tls-key: expected --tls-cert and --tls-key both, or nei"),
        (("--tls-cert", "booking.pem", "--tls-key", "unknown.key"), "Invalid value for --tls-cert: expected a certif"),
        (("--tls-cert", "booking.pem", "--tls-key", "locked.key"), "Invalid value for --tls-cert: expected a certif"),
    ],
)
def test_a_bad_file_is_told_by_its_option(mtls: Secured, arguments: tuple[str, ...], told: str) -> None:
    given = [each if each.startswith("--") else mtls.file(each) for each in arguments]
    refused = mtls.run(*given)
    assert refused.exit_code == 2
    assert told in refused.stderr
