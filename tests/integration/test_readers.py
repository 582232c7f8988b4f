"""Reading beside the writer, from a real file."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calguard_server.store.connection import connect
from calguard_server.store.readers import Readers


@pytest.fixture
def writer(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "db", isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE numbers (number INTEGER)")
    return connection


@pytest.fixture
async def readers(tmp_path: Path, writer: sqlite3.Connection) -> AsyncIterator[Readers]:
    opened = await Readers.open(tmp_path / "db", 1, connect)
    yield opened
    await opened.close()
    writer.close()


def numbers(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM numbers").fetchone()[0])


async def test_statements_of_one_read_see_the_same_commits(readers: Readers, writer: sqlite3.Connection) -> None:
    """An appointment is read by two statements: what is committed between them is for the next read."""

    def read(connection: sqlite3.Connection) -> tuple[int, int]:
        before = numbers(connection)
        writer.execute("INSERT INTO numbers VALUES (1)")
        return before, numbers(connection)

    assert await readers.read(read) == (0, 0)
    assert await readers.read(numbers) == 1


async def test_a_read_that_fails_leaves_its_connection_to_the_next(
    readers: Readers, writer: sqlite3.Connection
) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        await readers.read(lambda connection: connection.execute("SELECT 1 FROM letters"))
    writer.execute("INSERT INTO numbers VALUES (1)")
    assert await readers.read(numbers) == 1
