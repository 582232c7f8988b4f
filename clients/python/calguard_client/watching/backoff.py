"""How long to wait before a stream is opened again.

1. Full jitter: a wait is drawn between nothing and a ceiling that doubles with each failure in a row, so that a
   thousand clients of a server that came back do not come at once.
2. Never at once, whatever is drawn: the shortest wait is a floor, so that nothing can spin.
3. Only a stream that told something, and lasted, ends a row of failures. One that is opened and ended again and again
   is waited for longer and longer, also where it ends in good order.
"""

from collections.abc import Callable
from datetime import timedelta

Chance = Callable[[], float]
"""Answers a number from 0 up to, but not including, 1."""

FLOOR = timedelta(milliseconds=100)
FIRST_CEILING = timedelta(milliseconds=500)
CEILING = timedelta(seconds=30)
LASTING = timedelta(seconds=10)
"""How long a stream must have lasted to end a row of failures."""


class Backoff:
    """Counts the failures in a row, and draws the waits."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._failures = 0

    def worked(self) -> None:
        """End the row of failures."""
        self._failures = 0

    @staticmethod
    def planned() -> timedelta:
        """Answer how long to wait after an end that was planned, and is no failure."""
        return FLOOR

    def next(self) -> timedelta:
        """Count a failure; answer how long to wait after it."""
        ceiling = min(CEILING, FIRST_CEILING * (1 << min(self._failures, 16)))
        self._failures += 1
        return max(FLOOR, ceiling * self._chance())

    def next_slow(self) -> timedelta:
        """Count a failure that will not pass soon; answer how long to wait after it: half the ceiling at least."""
        self._failures += 1
        return CEILING * (0.5 + self._chance() / 2)
