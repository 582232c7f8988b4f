"""A store's connections of which the writer's can be held in the middle of a commit."""

import asyncio
from pathlib import Path

from tests.fakes.inline_connections import InlineConnection, InlineConnections, next_turn

DECIDED, COMMITTED = 3, 4
"""The pauses of a commit: before and after its rows are read, before and after what was decided is written."""


class HeldWriter(InlineConnections):
    """`held` is set once the writer waits at the pause that was asked for, until `go_on` is."""

    def __init__(self) -> None:
        super().__init__()
        self.held = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()
        self._hold_at = 0
        self._pauses = 0
        self._writer = InlineConnections(self._pause)

    def hold_next(self, pause: int) -> None:
        """Hold the next commit."""
        self.go_on.clear()
        self._hold_at, self._pauses = pause, 0

    async def connect(self, path: Path, *, writer: bool = False) -> InlineConnection:
        return await (self._writer if writer else super()).connect(path, writer=writer)

    async def _pause(self) -> None:
        await next_turn()
        self._pauses += 1
        if self._pauses == self._hold_at and not self.go_on.is_set():
            self.held.set()
            await self.go_on.wait()
