"""Builds the wheel, installs it in clean environments, and runs the server, the command and a client from there."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from tests.wheel.installed import Installed, WrongError, build, install

_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_SECONDS = 30

_OF_THE_SERVER = {
    "aiohttp",
    "aiosmtplib",
    "aiosqlite",
    "cryptography",
    "google-api-python-client",
    "google-auth",
    "grpcio-health-checking",
    "grpcio-reflection",
    "jinja2",
    "msgspec",
    "opentelemetry-sdk",
    "prometheus-client",
    "pydantic",
    "slack-sdk",
    "structlog",
    "transitions",
    "uvloop",
}

_CLIENT = """
import asyncio, sys
from calguard.v1 import booking_page_pb2 as pages
from calguard_client import AsyncClient

async def main():
    async with AsyncClient(sys.argv[1]) as client:
        answer = await client.booking_pages.GetBookingPage(pages.GetBookingPageRequest(id="intro"))
        print(answer.booking_page.title)

asyncio.run(main())
"""


def main() -> int:
    """Answer the exit code: 1 where something is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            _check(Path(folder))
        except WrongError as error:
            sys.stdout.write(f"wheel: wrong: {error}\n")
            return 1
    sys.stdout.write("wheel: the server, the command and a client run from it; the plain install has no server\n")
    return 0


def _check(folder: Path) -> None:
    wheel = build(folder)
    whole = install(wheel, folder / "whole", "server")
    plain = install(wheel, folder / "plain")
    with _serving(whole, folder) as address:
        _check_clients(whole, address, "intro-1")
        _check_clients(plain, address, "intro-2")
    _check_plain(plain)


def _check_clients(installed: Installed, address: str, account_id: str) -> None:
    """Call the server by the command and by the library."""
    called = {"CALGUARD_SERVER": address}
    installed.run("calguard", "accounts", "create", "--id", account_id, "--name", "Ann", environment=called)
    listed = installed.run("calguard", "accounts", "list", environment=called)
    if account_id not in listed:
        raise WrongError(f"calguard accounts list does not show {account_id}\n{listed}")
    page = ("calguard", "pages", "create", "--owner", account_id, "--title", "Intro", "--scheduling-mode", "any_member")
    if account_id.endswith("1"):
        installed.run(*page, "--id", "intro", environment=called)
    title = installed.run("python", "-c", _CLIENT, address)
    if title.strip() != "Intro":
        raise WrongError(f"the client library read {title!r}")


def _check_plain(plain: Installed) -> None:
    """See that the plain install has nothing of the server, and that the server's command says so."""
    if extra := plain.packages() & _OF_THE_SERVER:
        raise WrongError(f"the plain install has {', '.join(sorted(extra))}")
    told = plain.run("calguard-server", code=os.EX_UNAVAILABLE)
    if "pip install 'calguard[server]'" not in told:
        raise WrongError(f"calguard-server does not say how to get the server\n{told}")


@contextmanager
def _serving(installed: Installed, folder: Path) -> Iterator[str]:
    """Run the server; the address at which it listens. It has to end in good order."""
    settings = {
        "CALGUARD_LISTEN": "127.0.0.1:0",
        "CALGUARD_HTTP_LISTEN": "",
        "CALGUARD_DATABASE_URL": f"sqlite:///{folder}/calguard.db",
        "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
    }
    installed.run("calguard-server", "migrate", environment=settings)
    log = folder / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [installed.command("calguard-server")],
            cwd=folder,
            env={"PATH": os.environ["PATH"]} | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(server, log)
            server.send_signal(signal.SIGTERM)
            code = server.wait(_SECONDS)
        finally:
            server.kill()
    if code or "Traceback" in log.read_text():
        raise WrongError(f"the server ended with {code}\n{log.read_text()}")


def _address(server: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until the server listens, or has ended."""
    while server.poll() is None:
        if found := _LISTENING.search(log.read_text()):
            return found[1]
    raise WrongError(f"the server does not start\n{log.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
