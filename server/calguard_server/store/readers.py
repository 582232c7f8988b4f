"""Reading beside the writer: a few connections, each lent to one reader at a time."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from calguard_server.store.connection import Connect, Connection

T = TypeVar("T")


class Readers:
    """A pool of read-only connections."""

    def __init__(self, connections: list[Connection]) -> None:
        self._connections = connections
        self._idle: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
        for connection in connections:
            self._idle.put_nowait(connection)

    @classmethod
    async def open(cls, path: Path, count: int, connect: Connect) -> "Readers":
        """Open a pool of that many connections."""
        return cls([await connect(path) for _ in range(count)])

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a function of statements on a connection that is free; all of them see the same commits."""
        async with self.lend() as connection:
            return await connection.run(lambda raw: _at_one_revision(raw, work))

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Connection]:
        """Lend a connection."""
        connection = await self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put_nowait(connection)

    async def close(self) -> None:
        """Close every connection."""
        for connection in self._connections:
            await connection.close()


def _at_one_revision(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN")
    try:
        return work(connection)
    finally:
        if connection.in_transaction:  # a statement that fails badly ends the transaction by itself
            connection.execute("ROLLBACK")
