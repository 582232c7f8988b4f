"""A numbered record of what was received, that a reader can wait on."""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
MOST_HELD = 10_000


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One record and its number; numbers rise by one and are never used twice."""

    number: int
    record: T


class Journal(Generic[T]):
    """The last 10,000 records, in the order received. Numbering goes on when the journal is cleared."""

    def __init__(self) -> None:
        self._entries: deque[Entry[T]] = deque(maxlen=MOST_HELD)
        self._last = 0
        self._grown = asyncio.Event()

    @property
    def last(self) -> int:
        """The number of the last record ever received, 0 before the first."""
        return self._last

    @property
    def records(self) -> list[T]:
        """What is held, without the numbers."""
        return [entry.record for entry in self._entries]

    def append(self, record: T) -> None:
        """Add a record and wake whoever waits for it."""
        self._last += 1
        self._entries.append(Entry(self._last, record))
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def after(self, number: int) -> list[Entry[T]]:
        """What was received after that number and is still held."""
        return [entry for entry in self._entries if entry.number > number]

    async def wait(self, *, after: int = 0, count: int = 1, seconds: float) -> list[Entry[T]]:
        """What was received after that number, once there are `count` of them or the seconds have passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self.after(after)) < count:
                    await self._grown.wait()
        return self.after(after)

    def clear(self) -> None:
        """Forget what is held."""
        self._entries.clear()
