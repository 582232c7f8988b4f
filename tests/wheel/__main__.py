"""Builds the wheel, installs it in clean environments, and runs the commands and a client from there."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from tests.wheel.installed import Installed, WrongError, build, install

_LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
_CONTROL = re.compile(r"control listening on (http://127\.0\.0\.1:\d+)")
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
    sys.stdout.write(
        "wheel: the server, the sandbox, the command and a client run from it; the plain install has no server\n"
    )
    return 0


def _check(folder: Path) -> None:
    wheel = build(folder)
    whole = install(wheel, folder / "whole", "server")
    plain = install(wheel, folder / "plain")
    with _serving(whole, folder) as address:
        _check_clients(whole, address, "intro-1")
        _check_clients(plain, address, "intro-2")
    _check_plain(plain)
    for without in (plain, whole):
        _check_extra(without, "calguard-sandbox", "sandbox")
    _check_sandbox(install(wheel, folder / "sandbox", "sandbox"), folder)


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
    _check_extra(plain, "calguard-server", "server")


def _check_extra(installed: Installed, command: str, extra: str) -> None:
    """See that a command whose extra is not installed says so."""
    told = installed.run(command, code=os.EX_UNAVAILABLE)
    if f"pip install 'calguard[{extra}]'" not in told or "Traceback" in told:
        raise WrongError(f"{command} does not say how to get what it needs\n{told}")


def _check_sandbox(installed: Installed, folder: Path) -> None:
    """Run the sandbox from an install that has nothing else, and see that what it says it listens at answers."""
    ports = (f"--{surface}-port=0" for surface in ("google", "slack", "smtp", "control"))
    with _running(installed, "calguard-sandbox", *ports, log=folder / "sandbox.log", ready=_CONTROL) as url:
        answer = urllib.request.urlopen(f"{url}/state", timeout=_SECONDS).read()
    if b"ann@example.com" not in answer:
        raise WrongError(f"the sandbox does not tell whom it knows\n{answer!r}")


@contextmanager
def _serving(installed: Installed, folder: Path) -> Iterator[str]:
    """Run the server; the address at which it listens."""
    settings = {
        "CALGUARD_LISTEN": "127.0.0.1:0",
        "CALGUARD_HTTP_LISTEN": "",
        "CALGUARD_DATABASE_URL": f"sqlite:///{folder}/calguard.db",
        "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
    }
    installed.run("calguard-server", "migrate", environment=settings)
    log = folder / "server.log"
    with _running(installed, "calguard-server", log=log, ready=_LISTENING, environment=settings) as address:
        yield address


@contextmanager
def _running(
    installed: Installed,
    command: str,
    *arguments: str,
    log: Path,
    ready: re.Pattern[str],
    environment: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Run a command that goes on; where it says it listens. It has to end in good order."""
    with log.open("w") as output:
        process = subprocess.Popen(
            [installed.command(command), *arguments],
            cwd=log.parent,
            env={"PATH": os.environ["PATH"], **(environment or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _address(process, log, ready)
            process.send_signal(signal.SIGTERM)
            code = process.wait(_SECONDS)
        finally:
            process.kill()
    if code or "Traceback" in log.read_text():
        raise WrongError(f"{command} ended with {code}\n{log.read_text()}")


def _address(process: "subprocess.Popen[bytes]", log: Path, ready: re.Pattern[str]) -> str:
    """Wait until a process listens, or has ended."""
    while process.poll() is None:
        if found := ready.search(log.read_text()):
            return found[1]
    raise WrongError(f"it does not start\n{log.read_text()}")


if __name__ == "__main__":
    sys.exit(main())
