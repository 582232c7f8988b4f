"""Connections to the database file.

A hop to a connection's thread costs about 100 microseconds, so work is handed over as one function that makes all its
statements, and not statement by statement.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar

import aiosqlite

from calguard_server.store.migrate import refuse_others

T = TypeVar("T")


class Connection(Protocol):
    """A connection to the database file, for one user at a time."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of statements and answer what it returned, or raise what it raised."""
        ...

    async def close(self) -> None:
        """Close it."""
        ...


class Connect(Protocol):
    """Opens connections to the database file."""

    async def __call__(self, path: Path, *, writer: bool = False) -> Connection:
        """Open a connection. Only the writer may write, and only it moves the write-ahead log into the file."""
        ...


LOCK_PATIENCE = timedelta(seconds=5)
"""How long a statement waits for another program's lock."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)
_WRITERS_PRAGMAS = ("PRAGMA cache_size = -65536",)
_READERS_PRAGMAS = ("PRAGMA wal_autocheckpoint = 0", "PRAGMA query_only = ON")


class BatchConnection(aiosqlite.Connection):
    """A connection that runs a whole function of statements in its thread, in one hop."""

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function on the connection's thread and answer what it returned, or raise what it raised."""
        return await self._execute(work, self._conn)  # type: ignore[no-any-return, no-untyped-call]

    async def give_up(self) -> None:
        """Close it, and wait for its thread, which would else end after the event loop, with a traceback."""
        await self.close()
        await asyncio.to_thread(self._thread.join)


async def connect(path: Path, *, writer: bool = False) -> BatchConnection:
    """Open the database; statements run in a thread of the connection's own."""

    def connector() -> sqlite3.Connection:
        return sqlite3.connect(path, isolation_level=None, cached_statements=256)

    connection = BatchConnection(connector, iter_chunk_size=64)
    try:
        await connection
        await connection.run(lambda raw: prepare(raw, writer=writer))
    except BaseException:
        await connection.give_up()
        raise
    return connection


def prepare(connection: sqlite3.Connection, *, writer: bool) -> None:
    """Set up a fresh connection. Raises StoreError for a database that is not this program's to write."""
    if writer:
        refuse_others(connection)  # before the journal's mode is set, which stays in the file
    wait_for_locks(connection, LOCK_PATIENCE)
    for pragma in (*_PRAGMAS, *(_WRITERS_PRAGMAS if writer else _READERS_PRAGMAS)):
        connection.execute(pragma)


def wait_for_locks(connection: sqlite3.Connection, patience: timedelta) -> None:
    """Have statements wait that long for another program's lock, in whole milliseconds, and then fail as busy."""
    connection.execute(f"PRAGMA busy_timeout = {patience // timedelta(milliseconds=1)}")
