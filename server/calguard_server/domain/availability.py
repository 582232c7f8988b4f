"""When a page could be booked, of when its members are busy.

1. ALL_MEMBERS is free when all members are; ANY_MEMBER and AUTO_ASSIGN when any is.
2. A member whose time is not known is never free, and is named.
3. A stretch is as long as the same members can take all of it. So stretches may overlap, and each time that is long
   enough has the answer who could take it: the members of the shortest stretch that it lies in.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, compress

from msgspec import Struct

from calguard_server.domain.intervals import Interval, gaps
from calguard_server.domain.page import SchedulingMode


class MemberTime(Struct, frozen=True):
    """When a member is busy; None where that is not known. It may reach beyond what was asked about."""

    account_id: str
    busy: tuple[Interval, ...] | None


class FreeStretch(Struct, frozen=True, gc=False):
    """Time that can be booked, and the members that could take all of it, in member order."""

    time: Interval
    account_ids: tuple[str, ...]


class Availability(Struct, frozen=True):
    """The stretches in the order of their starts, the longest first, and the members whose time is not known.

    `without_members`: the page has none, and so no stretch either.
    `availability` finds the stretches as they are read, once: there may be more than anybody can be told.
    """

    free: Iterable[FreeStretch]
    unknown_account_ids: tuple[str, ...]
    without_members: bool = False


def availability(
    mode: SchedulingMode, members: Sequence[MemberTime], window: Interval, duration: timedelta
) -> Availability:
    """Find the stretches within a window that are at least so long; none where there are no members."""
    known = {each.account_id: each.busy for each in members if each.busy is not None}
    unknown = tuple(each.account_id for each in members if each.busy is None)
    if not members:
        return Availability((), (), without_members=True)
    if mode is not SchedulingMode.ALL_MEMBERS:
        return Availability(_of_any(known, window, duration), unknown)
    return Availability(() if unknown else _of_all(known, window, duration), unknown)


def is_free(member: MemberTime, time: Interval) -> bool:
    """Whether a member is known to be free for all of a time."""
    return member.busy is not None and not any(each.overlaps(time) for each in member.busy)


def _of_all(busy: Mapping[str, tuple[Interval, ...]], window: Interval, duration: timedelta) -> Iterator[FreeStretch]:
    everybody = tuple(busy)
    for gap in gaps(window, chain.from_iterable(busy.values())):
        if gap.length >= duration:
            yield FreeStretch(gap, everybody)


def _of_any(busy: Mapping[str, tuple[Interval, ...]], window: Interval, duration: timedelta) -> Iterator[FreeStretch]:
    begin: dict[datetime, list[tuple[datetime, int]]] = {}
    for place, taken in enumerate(busy.values()):
        for gap in gaps(window, taken):
            if gap.length >= duration:
                begin.setdefault(gap.start, []).append((gap.end, place))
    runs = _Runs(tuple(busy))
    for start in sorted(begin):
        runs.leave(start + duration)
        for end, place in begin[start]:
            runs.join(end, place)
        yield from runs.beginning_at(start, max(begin[start])[0])


class _Runs:
    """Members' free times, each as long as it can be, that all have some time in common; in the order of their ends."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._ends: list[datetime] = []
        self._places: list[int] = []

    def join(self, end: datetime, place: int) -> None:
        """Put in one that ends then, of the member at that place."""
        at = bisect_left(self._ends, end)
        self._ends.insert(at, end)
        self._places.insert(at, place)

    def leave(self, end: datetime) -> None:
        """Drop those that end before."""
        at = bisect_left(self._ends, end)
        del self._ends[:at], self._places[:at]

    def beginning_at(self, start: datetime, latest: datetime) -> Iterator[FreeStretch]:
        """Answer the stretches that begin at the latest start: at each end, who is free until then or longer.

        `latest` is the latest end of the runs that begin there. A stretch beyond is part of a longer one, which the
        same members could take.
        """
        ends, free, index = self._ends, bytearray(len(self._names)), len(self._ends)
        while index:
            index -= 1
            free[self._places[index]] = True
            end = ends[index]
            if end <= latest and (not index or ends[index - 1] != end):
                yield FreeStretch(Interval(start, end), tuple(compress(self._names, free)))
