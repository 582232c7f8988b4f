"""The command `calguard-server`: how it starts, what it refuses to start with, how it ends."""

import asyncio
import os
import signal
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import aiohttp
import grpc.aio
import pytest
from cryptography.fernet import Fernet

from calguard.v1 import account_pb2 as accounts_pb
from calguard_client.refusal import Refusal
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL, Stubs

SECRET = "hunter2-hunter2"
EXIT_STOPPED = 0


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What a server needs to start: no channel, no Google."""
    return {
        "CALGUARD_LISTEN": "127.0.0.1:0",
        "CALGUARD_HTTP_LISTEN": "127.0.0.1:0",
        "CALGUARD_DATABASE_URL": f"sqlite:///{tmp_path}/calguard.db",
        "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
    }


class Servers:
    """Starts servers, and leaves none behind."""

    def __init__(self) -> None:
        self._started: list[ServerProcess] = []
        self._stubs: list[Stubs] = []

    async def start(self, environment: dict[str, str], *, file_size_limit: int = 0) -> ServerProcess:
        server = await ServerProcess.start(environment, file_size_limit=file_size_limit)
        self._started.append(server)
        return server

    async def refuse(self, environment: dict[str, str]) -> tuple[int, str]:
        """Start a server that must not start; its exit code and what it says."""
        server = await self.start(environment)
        code = await server.ended()
        assert "listening on" not in server.printed
        assert "Traceback" not in server.printed + server.complaints
        return code, server.complaints

    async def connect(self, server: ServerProcess) -> Stubs:
        self._stubs.append(Stubs(grpc.aio.insecure_channel(f"127.0.0.1:{await server.port()}")))
        return self._stubs[-1]

    async def end(self) -> None:
        for stubs in self._stubs:
            await stubs.channel.close()
        for server in self._started:
            await server.end()


@pytest.fixture
async def servers() -> AsyncIterator[Servers]:
    running = Servers()
    yield running
    await running.end()


async def test_serves_and_drains(servers: Servers, environment: dict[str, str]) -> None:
    """It logs its address with the port it was given, serves, and on SIGTERM ends watches and exits with 0."""
    server = await servers.start(environment)
    stubs = await servers.connect(server)
    [listening] = [event for event in server.events if str(event["event"]).startswith("listening on 127.0.0.1:")]
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(f"http://127.0.0.1:{listening['http_port']}/healthz") as answer,
    ):
        assert answer.status == 200
    await stubs.add_account("ann")
    watcher = stubs.watch()
    await watcher.snapshot()
    server.send(signal.SIGTERM)
    assert (await watcher.ended()).reason == "SERVER_DRAINING"
    assert await server.ended() == EXIT_STOPPED
    assert server.complaints == ""


async def test_calls_during_a_stop(servers: Servers, environment: dict[str, str]) -> None:
    """Of many calls that meet a stop each is done, or told by name to go elsewhere; what was answered is kept."""
    server = await servers.start(environment)
    stubs = await servers.connect(server)
    names = [f"account-{number}" for number in range(300)]
    calls = [asyncio.ensure_future(stubs.add_account(name)) for name in names]
    await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    server.send(signal.SIGTERM)
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert await server.ended() == EXIT_STOPPED
    errors = [outcome for outcome in outcomes if isinstance(outcome, grpc.aio.AioRpcError)]
    assert {Refusal.of(error).reason for error in errors} <= {"SERVER_DRAINING"}
    again = await servers.connect(await servers.start(environment))
    done = [name for name, outcome in zip(names, outcomes, strict=True) if not isinstance(outcome, BaseException)]
    assert done
    for name in done:
        assert (await again.accounts.GetAccount(accounts_pb.GetAccountRequest(id=name))).account.id == name


async def test_sigint_stops_too(servers: Servers, environment: dict[str, str]) -> None:
    """Ctrl-C is a stop in good order."""
    server = await servers.start(environment)
    await server.port()
    server.send(signal.SIGINT)
    assert await server.ended() == EXIT_STOPPED


async def test_without_keys(servers: Servers, environment: dict[str, str]) -> None:
    """Without TOKEN_KEYS it does not start: it names the setting, and a command that makes a key, which then works."""
    del environment["CALGUARD_TOKEN_KEYS"]
    code, text = await servers.refuse(environment)
    assert code == os.EX_CONFIG
    assert "CALGUARD_TOKEN_KEYS" in text
    recipe = text.partition("make one with: ")[2].strip()
    made = await asyncio.create_subprocess_shell(recipe, stdout=asyncio.subprocess.PIPE)
    key, _ = await made.communicate()
    server = await servers.start(environment | {"CALGUARD_TOKEN_KEYS": key.decode().strip()})
    assert await server.port()


async def test_bad_settings(servers: Servers, environment: dict[str, str]) -> None:
    """Every bad setting is named at once, with what was expected, and no secret is repeated."""
    bad = {
        "CALGUARD_LISTEN": "0.0.0.0:50051",
        "CALGUARD_HTTP_LISTEN": "nowhere",
        "CALGUARD_DATABASE_URL": "postgres://calguard",
        "CALGUARD_TOKEN_KEYS": SECRET,
        "CALGUARD_GOOGLE_TOKEN_URI": "ftp://example.com",
        "CALGUARD_GOOGLE_API_ENDPOINT": "https://example.com/no-slash",
        "CALGUARD_SMTP_URL": f"http://user:{SECRET}@example.com",
        "CALGUARD_EMAIL_FROM": "nobody at all",
        "CALGUARD_CHECK_INTERVAL": "10 minutes",
        "CALGUARD_FAILURE_THRESHOLD": "0",
        "CALGUARD_NOTICE_GROUP_WAIT": "-5s",
        "CALGUARD_LOG_LEVEL": "loud",
    }
    code, text = await servers.refuse(environment | bad)
    assert code == os.EX_CONFIG
    assert [name for name in bad if name not in text] == []
    assert SECRET not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [("SMTP_URL", f"smtp://user:{SECRET}@:0"), ("SMTP_URL", SECRET), ("EMAIL_FROM", "a@example.com, b@example.com")],
)
async def test_bad_mail_settings(servers: Servers, environment: dict[str, str], name: str, value: str) -> None:
    """A mail setting that cannot be stops the start with its name, and without its secret."""
    mail = {"CALGUARD_SMTP_URL": "smtp://127.0.0.1:2525?starttls=off"}
    code, text = await servers.refuse(environment | mail | {f"CALGUARD_{name}": value})
    assert code == os.EX_CONFIG
    assert f"CALGUARD_{name}" in text
    assert SECRET not in text


async def test_newer_schema(servers: Servers, environment: dict[str, str], tmp_path: Path) -> None:
    """A database of a newer version is left alone, and the text says what to do."""
    with closing(sqlite3.connect(tmp_path / "calguard.db")) as connection:
        connection.execute("PRAGMA user_version = 9999")
        connection.commit()
    code, text = await servers.refuse(environment)
    assert code == os.EX_DATAERR
    assert "9999" in text
    assert "newer" in text


async def test_not_a_database(servers: Servers, environment: dict[str, str], tmp_path: Path) -> None:
    """A file that is no database is left as it is."""
    (tmp_path / "calguard.db").write_text("dear diary, " * 100)
    code, text = await servers.refuse(environment)
    assert code == os.EX_DATAERR
    assert "DATABASE_URL" in text
    assert (tmp_path / "calguard.db").read_text() == "dear diary, " * 100


@pytest.mark.parametrize("place", ["/proc/calguard.db", "{folder}/a-file/calguard.db", "{folder}/missing/calguard.db"])
async def test_database_that_cannot_be_written(
    servers: Servers, environment: dict[str, str], tmp_path: Path, place: str
) -> None:
    """Where the database cannot be written, not even by root, it does not start, and names the file."""
    (tmp_path / "a-file").touch()
    path = place.format(folder=tmp_path)
    code, text = await servers.refuse(environment | {"CALGUARD_DATABASE_URL": f"sqlite:///{path}"})
    assert code == os.EX_NOPERM
    assert path in text
    assert "write" in text


async def test_database_in_use(servers: Servers, environment: dict[str, str]) -> None:
    """A second server on the same database does not start; the first goes on."""
    stubs = await servers.connect(await servers.start(environment))
    code, text = await servers.refuse(environment)
    assert code == os.EX_TEMPFAIL
    assert "another calguard-server" in text
    await stubs.add_account("ann")


@pytest.mark.parametrize("name", ["LISTEN", "HTTP_LISTEN"])
async def test_port_in_use(servers: Servers, environment: dict[str, str], name: str) -> None:
    """Where its port is taken it does not start, and names the address."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, text = await servers.refuse(environment | {f"CALGUARD_{name}": address})
    assert code == os.EX_UNAVAILABLE
    assert address.rpartition(":")[2] in text
    assert "127.0.0.1" in text


async def test_refused_start_leaves_no_trace(servers: Servers, environment: dict[str, str]) -> None:
    """After a start that was refused nothing is in the way of the next one."""
    code, _ = await servers.refuse(environment | {"CALGUARD_LISTEN": "x"})
    assert code == os.EX_CONFIG
    assert await (await servers.start(environment)).port()


async def test_disk_that_fills(servers: Servers, environment: dict[str, str]) -> None:
    """With a full disk a change is refused as UNAVAILABLE, the server ends saying what to do, and nothing is lost."""
    full = await servers.start(environment, file_size_limit=600_000)
    stubs = await servers.connect(full)
    await stubs.add_account("ann")
    answered: list[str] = []
    refusal: Refusal | None = None
    while refusal is None:
        assert len(answered) < 10_000
        try:
            answered.append((await stubs.add_page(f"page-{len(answered):05}", ALL, "ann", title="x" * 200)).id)
        except grpc.aio.AioRpcError as error:
            refusal = Refusal.of(error)
    assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "STORE_UNAVAILABLE")
    assert await full.ended() == os.EX_IOERR
    assert "calguard.db" in full.complaints
    assert "free" in full.complaints
    again = await servers.connect(await servers.start(environment))
    pages = {page.id for page in await again.all_pages()}
    assert set(answered) <= pages
    assert len(pages) <= len(answered) + 1
    watcher = again.watch()
    known = await watcher.snapshot()
    assert {change.booking_page.id for change in known} == pages
    await again.add_page("after", ALL, "ann")
    watcher.cancel()
