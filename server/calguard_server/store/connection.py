"""Connections to the database file.

A hop to a connection's thread costs about 100 microseconds, so work is handed over as one function that makes all its
statements, and not statement by statement.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import aiosqlite

T = TypeVar("T")

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA cache_size = -16384",
)


class BatchConnection(aiosqlite.Connection):
    """A connection that runs a whole function of statements in its thread, in one hop."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the connection's thread and answer what it returned, or raise what it raised."""
        return await self._execute(work, self._conn)  # type: ignore[no-any-return, no-untyped-call]


async def connect(path: Path, *, writer: bool = False) -> BatchConnection:
    """Open the database. Only the writer may write, and only it moves the write-ahead log into the file."""

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, cached_statements=256)

    connection = BatchConnection(connector, iter_chunk_size=64)
    try:
        await connection
        await connection.run(_prepare_writer if writer else _prepare_reader)
    except BaseException:
        await connection.close()
        raise
    return connection


def _prepare_writer(connection: sqlite3.Connection) -> None:
    _prepare(connection)
    connection.execute("PRAGMA cache_size = -65536")


def _prepare(connection: sqlite3.Connection) -> None:
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _prepare_reader(connection: sqlite3.Connection) -> None:
    _prepare(connection)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("PRAGMA query_only = ON")
