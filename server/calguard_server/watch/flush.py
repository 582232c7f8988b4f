"""When streams are woken: at once after a quiet time, and then together, at an interval that widens with their number.

Waking each of a thousand streams at every commit would leave no time for the commits.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FlushOptions:
    """`per_stream` is by how much each stream widens the interval, up to `longest`.

    A message takes gRPC about a quarter of `per_stream`, so that commits keep three quarters of the time.
    """

    per_stream: timedelta = timedelta(microseconds=125)
    longest: timedelta = timedelta(milliseconds=125)


class Flusher:
    """Calls `flush` soon after it was asked to, and never more often than the interval allows."""

    def __init__(self, flush: Callable[[], None], streams: Callable[[], int], options: FlushOptions) -> None:
        self._flush = flush
        self._streams = streams
        self._options = options
        self._timer: asyncio.TimerHandle | None = None
        self._earliest = 0.0

    def request(self) -> None:
        """Have what was committed shown."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._earliest, self.flush)

    def flush(self) -> None:
        """Show it now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        interval = min(self._options.per_stream * self._streams(), self._options.longest)
        self._earliest = asyncio.get_running_loop().time() + interval.total_seconds()
        self._flush()
