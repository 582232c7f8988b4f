"""Each way a start can fail: one line on standard error that names the setting, and an exit code by sysexits.h."""

import os
import re
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.operating import Ended, Operation, new_key, on
from tests.e2e.server_process import ServerProcess

ROOT = Path(__file__).parents[2]
EXIT_CODE_ROW = re.compile(r"^\| (\d+) \| `(EX_\w+)`", re.MULTILINE)


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    """Nothing but what a server needs; there is no sandbox."""
    running = Operation(tmp_path, None, on(tmp_path, {"CALGUARD_TOKEN_KEYS": new_key()}))  # type: ignore[arg-type]
    yield running
    await running.end()


def refusal(ended: Ended) -> str:
    """The one line that it says; the gRPC library may have complained before it, in its own words."""
    lines = [line for line in ended.said.splitlines() if not re.match(r"[EWI]\d{4} ", line)]
    assert len(lines) == 1, ended.said
    assert "listening" not in ended.printed
    return lines[0].removeprefix("calguard-server: ")


@pytest.mark.parametrize("name", ["LISTEN", "HTTP_LISTEN"])
async def test_an_address_that_is_taken(operation: Operation, name: str) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = await operation.run(**{name.lower(): f"127.0.0.1:{port}"})
    assert ended.code == os.EX_UNAVAILABLE
    assert refusal(ended).startswith(f"CALGUARD_{name}: ")
    assert str(port) in refusal(ended)
    assert "name another address, or end what has it" in refusal(ended)


async def test_a_database_that_another_program_holds_locked(operation: Operation) -> None:
    """It waits for some seconds, and then says so."""
    with closing(sqlite3.connect(operation.database, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN EXCLUSIVE")
        ended = await operation.run()
    assert ended.code == os.EX_TEMPFAIL
    assert refusal(ended) == (
        f"CALGUARD_DATABASE_URL: {operation.database}: another program holds it locked: end that program"
    )


async def test_a_database_of_another_program(operation: Operation) -> None:
    """It is left as it is: nothing of ours is put into it."""
    with closing(sqlite3.connect(operation.database)) as other:
        other.execute("CREATE TABLE cats (name)")
    before = operation.database.read_bytes()
    ended = await operation.run()
    assert ended.code == os.EX_DATAERR
    assert refusal(ended) == "CALGUARD_DATABASE_URL: the database is another program's: name a file of its own"
    assert operation.database.read_bytes() == before


async def test_a_database_that_is_damaged(operation: Operation) -> None:
    """Its beginning is in order, and what follows is not."""
    assert (await operation.run("migrate")).code == 0
    content = operation.database.read_bytes()
    operation.database.write_bytes(content[:4096] + bytes(range(256)) * ((len(content) - 4096) // 256))
    ended = await operation.run()
    assert ended.code == os.EX_DATAERR
    assert refusal(ended) == f"CALGUARD_DATABASE_URL: {operation.database}: it is damaged: restore a backup"


async def test_a_newer_schema(operation: Operation) -> None:
    assert (await operation.run("migrate")).code == 0
    with closing(sqlite3.connect(operation.database)) as connection:
        connection.execute("PRAGMA user_version = 9999")
    for command in ((), ("migrate",), ("rotate-keys",)):
        ended = await operation.run(*command)
        assert ended.code == os.EX_DATAERR
        assert refusal(ended).startswith("CALGUARD_DATABASE_URL: ")
        assert "9999" in refusal(ended)


async def test_a_folder_that_cannot_be_written(operation: Operation) -> None:
    """Not even by root."""
    for command in ((), ("migrate",)):
        ended = await operation.run(*command, database_url="sqlite:////proc/calguard.db")
        assert ended.code == os.EX_NOPERM
        assert refusal(ended).startswith(
            "CALGUARD_DATABASE_URL: /proc/calguard.db: it, or its folder, cannot be written"
        )


async def test_a_setting_that_is_missing(operation: Operation) -> None:
    operation.set(token_keys="")
    ended = await operation.run()
    assert ended.code == os.EX_CONFIG
    assert refusal(ended).startswith("CALGUARD_TOKEN_KEYS: is not set; make one with: ")


@pytest.mark.parametrize(
    "command", ["backup x", "restore x", "migrate", "migrate --check", "rotate-keys", "rotate-keys --check", ""]
)
async def test_every_command_names_a_bad_setting(operation: Operation, command: str) -> None:
    """Each reads those that it takes, and no others."""
    operation.set(database_url="postgres://calguard", token_keys=operation.environment["CALGUARD_TOKEN_KEYS"])
    (operation.folder / "x").touch()
    arguments = [word.replace("x", str(operation.folder / "x")) if word == "x" else word for word in command.split()]
    ended = await operation.run(*arguments, log_level="info" if not command else "no such level")
    assert ended.code == os.EX_CONFIG
    assert refusal(ended).startswith("CALGUARD_DATABASE_URL: expected sqlite:///")


async def test_no_database_for_a_command_that_takes_one(operation: Operation) -> None:
    """It makes none: a slip in the setting would else be answered with an empty one."""
    for command in (("backup", str(operation.folder / "x")), ("migrate", "--check"), ("rotate-keys",)):
        ended = await operation.run(*command)
        assert ended.code == os.EX_DATAERR
        assert refusal(ended).startswith(f"CALGUARD_DATABASE_URL: {operation.database}: there is none")
    assert not operation.database.exists()


async def test_without_the_servers_extra() -> None:
    """The plain install has the command, and not what it needs: that is said, with what installs it."""
    environment = {"PYTHONPATH": f"{ROOT / 'server'}:{ROOT / 'clients' / 'python'}"}
    process = await ServerProcess.start(environment, command=(sys.executable, "-S", "-m", "calguard_server"))
    assert await process.ended() == os.EX_UNAVAILABLE
    assert re.fullmatch(
        r"calguard-server: the module \w+ is not installed: pip install 'calguard\[server\]'\n", process.complaints
    )


def test_the_runbook_has_the_codes_of_the_system() -> None:
    """By name and number."""
    rows = EXIT_CODE_ROW.findall((ROOT / "docs" / "operations.md").read_text())
    assert len(rows) >= 10
    assert {name: int(code) for code, name in rows} == {name: getattr(os, name) for _, name in rows}
