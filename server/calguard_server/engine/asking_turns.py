"""Turns at asking: how many ask at a time, and who is being asked now."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class AskingTurns:
    """Lets at most so many be asked at a time; the same one may be several times."""

    def __init__(self, most_at_once: int) -> None:
        self._free = asyncio.Semaphore(most_at_once)
        self._asked = Counter[str]()

    @asynccontextmanager
    async def take(self, link_id: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it."""
        async with self._free:
            self._asked[link_id] += 1
            try:
                yield
            finally:
                self._asked[link_id] -= 1
                if not self._asked[link_id]:
                    del self._asked[link_id]

    def is_asked(self, link_id: str) -> bool:
        """Whether a link has a turn; one that waits for it has not been asked."""
        return link_id in self._asked
