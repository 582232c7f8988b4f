"""Conflicts: what turns out to be in the way of an appointment that was assigned while its account was faulty.

1. When check calendars can be read again, each such appointment that stands and is not over is reviewed, once: the
   calendars are asked about its time. Its entry is not added before that.
2. Free/busy does not say whose an event is. So the times of our own events are taken out of the busy time of the
   calendars that they may be in, and what lies beneath them is not seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from calguard_server.domain.appointment import Appointment, Conflict, EntryState
from calguard_server.domain.intervals import Interval, gaps, merged
from calguard_server.domain.link_state import CalendarLink, LinkState

REVIEW_RETRY = timedelta(minutes=1)
"""How soon calendars are asked again that did not answer, while no link of the account is FAILED."""

_READABLE = (LinkState.LINKED, LinkState.DEGRADED)


class OwnEvent(Struct, frozen=True):
    """A time for which an event of ours may be in a calendar."""

    calendar_id: str
    time: Interval


def readable_again(before: CalendarLink, after: CalendarLink) -> bool:
    """Whether a change of a link lets its check calendars be read that could not be read before."""
    return bool(after.check_calendar_ids) and after.state in _READABLE and before.state not in _READABLE


def own_events(appointment: Appointment) -> tuple[OwnEvent, ...]:
    """Answer where an appointment's own events may be: what was sent may be there until it is known to be gone."""
    entries = (*(each.entry for each in appointment.assignees), *appointment.former)
    sent = (each for each in entries if each.fence and each.state is not EntryState.REMOVED)
    return tuple(OwnEvent(each.calendar_id, appointment.time) for each in sent)


def conflicts_of(
    account_id: str, time: Interval, busy: Mapping[str, Sequence[Interval]], own: Iterable[OwnEvent]
) -> tuple[Conflict, ...]:
    """Tell what takes an appointment's time, as far as it does, by calendar; `busy` is by calendar, too."""
    ours: dict[str, list[Interval]] = {}
    for event in own:
        ours.setdefault(event.calendar_id, []).append(event.time)
    return tuple(
        Conflict(account_id, calendar_id, left)
        for calendar_id, times in sorted(busy.items())
        for taken in _within(time, times)
        for left in gaps(taken, ours.get(calendar_id, ()))
    )


def _within(time: Interval, times: Iterable[Interval]) -> list[Interval]:
    parts = (each.within(time) for each in times)
    return merged(part for part in parts if part is not None)
