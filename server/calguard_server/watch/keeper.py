"""One look at every stream, a few times a second: cheaper than a timer for each, which every message would move."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import timedelta

from calguard_server.engine.ports.clock import Clock
from calguard_server.watch.stream import Stream

_TICK = timedelta(milliseconds=250)

_COUNTED_SECONDS = 2 * _TICK.total_seconds()
"""How much of the time between two looks is held against readers: more than that, and it was this process that was
busy, with a burst for thousands of streams perhaps, and not they that were slow."""

_BEHIND_SECONDS = 30.0
"""How long ago a change may have been shown that a stream has not taken, once it had caught up."""


class Keeper:
    """Holds the streams that are open."""

    def __init__(self, clock: Clock, shown: Callable[[], int]) -> None:
        self.streams: set[Stream] = set()
        self._clock = clock
        self._shown = shown
        self._marks: deque[tuple[float, int]] = deque()
        self._looked_at = 0.0
        self.waited = 0.0
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
                self._any.clear()
                await self._any.wait()
                self._looked_at = self._clock.timer()
            await self._clock.sleep(_TICK)
            self._look(self._clock.timer())

    def lag(self) -> float:
        """Answer how many seconds the stream is behind that is furthest behind, to a quarter of a second.

        Those that take in history are not counted: they had not caught up yet.
        """
        furthest = min((each.cursor for each in self.streams if each.is_reading), default=None)
        if furthest is None:
            return 0.0
        missed = next((waited for waited, shown in self._marks if shown > furthest), self.waited)
        return self.waited - missed

    def _look(self, now: float) -> None:
        self.waited += min(now - self._looked_at, _COUNTED_SECONDS)
        self._looked_at = now
        self._marks.append((self.waited, self._shown()))
        while self._marks[0][0] < self.waited - _BEHIND_SECONDS:
            self._overdue = self._marks.popleft()[1]
        for stream in list(self.streams):
            stream.look(now, self.waited, self._overdue)
