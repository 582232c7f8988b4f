"""One look at every stream, a few times a second: cheaper than a timer for each, which every message would move."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from calguard_server.engine.ports import Clock
from calguard_server.watch.stream import Stream

_TICK = timedelta(milliseconds=250)

_BEHIND_SECONDS = 30.0
"""How long ago a change may have been shown that a stream has not taken, once it had caught up."""


class Keeper:
    """Holds the streams that are open."""

    def __init__(self, clock: Clock, shown: Callable[[], int]) -> None:
        self.streams: set[Stream] = set()
        self._clock = clock
        self._shown = shown
        self._marks: deque[tuple[float, int]] = deque()
        self._overdue = 0
        self._any = asyncio.Event()

    def add(self, stream: Stream) -> None:
        """Take care of a stream from now on."""
        self.streams.add(stream)
        self._any.set()

    def remove(self, stream: Stream) -> None:
        """Let go of a stream."""
        self.streams.discard(stream)

    async def run(self) -> None:
        """Look at the streams until cancelled; costs nothing where there are none."""
        while True:
            if not self.streams:
                self._marks.clear()
                self._any.clear()
                await self._any.wait()
            await self._clock.sleep(_TICK)
            self._look(self._clock.timer())

    def _look(self, now: float) -> None:
        self._marks.append((now, self._shown()))
        while self._marks[0][0] < now - _BEHIND_SECONDS:
            self._overdue = self._marks.popleft()[1]
        for stream in list(self.streams):
            stream.look(now, self._overdue)
