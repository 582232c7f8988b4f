"""Connections to a real SQLite file without threads, so that virtual time and one seed decide the order of everything.

A piece of work takes as long as the test says, before and after it is done. What dies can be killed: its connections
are closed in the middle of whatever they were doing, as those of a process that ends are.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from calguard_server.store.connection import prepare

T = TypeVar("T")

Pause = Callable[[], Awaitable[None]]


async def next_turn() -> None:
    """Let everybody else who is ready have a turn."""
    await asyncio.sleep(0)  # noqa: TID251 - waits for nothing


class InlineConnection:
    """A connection that runs its work in the event loop's own thread."""

    def __init__(self, raw: sqlite3.Connection, owner: "InlineConnections") -> None:
        self._raw = raw
        self._owner = owner

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        self._owner.working += 1
        self._owner.done += 1
        try:
            await self._owner.pause()
            result = work(self._raw)
            await self._owner.pause()
            return result
        finally:
            self._owner.working -= 1

    async def close(self) -> None:
        self._raw.close()


class InlineConnections:
    """Opens connections; `working` is how much is at work, `done` how much was begun.

    Nothing is lost but by `kill`: nobody pulls the plug here.
    """

    def __init__(self, pause: Pause = next_turn) -> None:
        self.working = 0
        self.done = 0
        self.pause = pause
        self._opened: list[sqlite3.Connection] = []

    async def connect(self, path: Path, *, writer: bool = False) -> InlineConnection:
        raw = sqlite3.connect(path, isolation_level=None, cached_statements=256)
        prepare(raw, writer=writer)
        raw.execute("PRAGMA synchronous = OFF")
        self._opened.append(raw)
        return InlineConnection(raw, self)

    def kill(self) -> None:
        """Close everything as it is; what was not committed is gone."""
        for raw in self._opened:
            raw.close()
