"""When a page could be booked, of when its members are busy.

1. ALL_MEMBERS is free when all members are; ANY_MEMBER and AUTO_ASSIGN when any is.
2. A member whose time is not known is never free, and is named.
3. A stretch is as long as the same members can take all of it. So stretches may overlap, and each time that is long
   enough has the answer who could take it: the members of the shortest stretch that it lies in.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.domain.intervals import Interval, gaps
from calguard_server.domain.page import SchedulingMode


class MemberTime(Struct, frozen=True):
    """When a member is busy; None where that is not known. It may reach beyond what was asked about."""

    account_id: str
    busy: tuple[Interval, ...] | None


class FreeStretch(Struct, frozen=True):
    """Time that can be booked, and the members that could take all of it, in member order."""

    time: Interval
    account_ids: tuple[str, ...]


class Availability(Struct, frozen=True):
    """The stretches in the order of their starts, the longest first, and the members whose time is not known."""

    free: tuple[FreeStretch, ...]
    unknown_account_ids: tuple[str, ...]


def availability(
    mode: SchedulingMode, members: Sequence[MemberTime], window: Interval, duration: timedelta
) -> Availability:
    """Find the stretches within a window that are at least so long; none where there are no members."""
    known = {each.account_id: each.busy for each in members if each.busy is not None}
    unknown = tuple(each.account_id for each in members if each.busy is None)
    if mode is SchedulingMode.ALL_MEMBERS:
        free = () if unknown or not known else tuple(_of_all(known, window, duration))
    else:
        free = tuple(_of_any(known, window, duration))
    return Availability(free, unknown)


def is_free(member: MemberTime, time: Interval) -> bool:
    """Whether a member is known to be free for all of a time."""
    return member.busy is not None and not any(each.overlaps(time) for each in member.busy)


def _of_all(busy: Mapping[str, tuple[Interval, ...]], window: Interval, duration: timedelta) -> Iterator[FreeStretch]:
    everybody = tuple(busy)
    taken = [each for of_one in busy.values() for each in of_one]
    return (FreeStretch(gap, everybody) for gap in gaps(window, taken) if gap.length >= duration)


class _Run(Struct, frozen=True):
    """A member's free time, as long as it can be."""

    time: Interval
    place: int


def _of_any(busy: Mapping[str, tuple[Interval, ...]], window: Interval, duration: timedelta) -> Iterator[FreeStretch]:
    names = tuple(busy)
    runs = sorted(
        (
            _Run(gap, place)
            for place, taken in enumerate(busy.values())
            for gap in gaps(window, taken)
            if gap.length >= duration
        ),
        key=lambda run: run.time,
    )
    open_runs: list[_Run] = []
    for index, run in enumerate(runs):
        start = run.time.start
        open_runs = [each for each in open_runs if each.time.end - start >= duration]
        open_runs.append(run)
        if index + 1 == len(runs) or runs[index + 1].time.start != start:
            yield from _beginning_at(start, open_runs, names)


def _beginning_at(start: datetime, runs: Sequence[_Run], names: Sequence[str]) -> Iterator[FreeStretch]:
    """Answer the stretches that begin at a run's start: at each end, who is free until then or longer.

    One in which nobody's run begins is part of a longer one that the same members could take.
    """
    by_end = sorted(runs, key=lambda run: run.time.end, reverse=True)
    free: list[int] = []
    begun = False
    for index, run in enumerate(by_end):
        free.append(run.place)
        begun = begun or run.time.start == start
        last_of_end = index + 1 == len(by_end) or by_end[index + 1].time.end != run.time.end
        if last_of_end and begun:
            yield FreeStretch(Interval(start, run.time.end), tuple(names[place] for place in sorted(free)))
