"""Stretches of time, half-open: what ends at noon and what begins at noon only touch, and both can be kept.

All times are instants in UTC. Days, zones and clocks that are put forward or back have no part here: a wall clock's day
of 23 or 25 hours is as long as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter

from msgspec import Struct

_START = attrgetter("start")


class Interval(Struct, frozen=True, order=True):
    """From `start`, up to and without `end`; `start` is before `end`."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return self.end - self.start

    def overlaps(self, other: "Interval") -> bool:
        """Whether some time is in both; touching is not overlapping."""
        return self.start < other.end and other.start < self.end

    def within(self, window: "Interval") -> "Interval | None":
        """Answer what of it lies in a window; None where nothing does."""
        start, end = max(self.start, window.start), min(self.end, window.end)
        return Interval(start, end) if start < end else None


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Put together what overlaps or touches; in order."""
    found: list[Interval] = []
    last: Interval | None = None
    for each in sorted(intervals, key=_START):
        if last is None or last.end < each.start:
            found.append(each)
            last = each
        elif last.end < each.end:
            found[-1] = last = Interval(last.start, each.end)
    return found


def gaps(window: Interval, taken: Iterable[Interval]) -> list[Interval]:
    """Answer what of a window none of the intervals takes; in order, each as long as it can be."""
    return list(_gaps(window, merged(taken)))


def _gaps(window: Interval, taken: Sequence[Interval]) -> Iterator[Interval]:
    at = window.start
    for each in taken:
        if each.start >= window.end:
            break
        if at < each.start:
            yield Interval(at, each.start)
        at = max(at, each.end)
    if at < window.end:
        yield Interval(at, window.end)
