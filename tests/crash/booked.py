"""What must be true of appointments whenever nothing is under way: said from outside, of answers and calendars only."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox.google.state import GoogleState
from tests.e2e.stubs import Stubs
from tests.simulation.complaint import demand, same

ASSIGNED, CANCELLED = pb.APPOINTMENT_STATE_ASSIGNED, pb.APPOINTMENT_STATE_CANCELLED
ADDED, REMOVED = pb.CALENDAR_ENTRY_STATE_ADDED, pb.CALENDAR_ENTRY_STATE_REMOVED

Event = tuple[str, str, datetime, datetime]
"""A calendar, a title, a start and an end."""


async def all_appointments(stubs: Stubs) -> list[pb.Appointment]:
    """Every one, page by page."""
    found, token = [], ""
    while True:
        request = pb.ListAppointmentsRequest(page_size=1000, page_token=token)
        answer = await stubs.appointments.ListAppointments(request)
        found += answer.appointments
        if not (token := answer.next_page_token):
            return found


def time_of(timed: pb.Appointment | pb.AppointmentConflict) -> tuple[datetime, datetime]:
    return timed.start_time.ToDatetime(UTC), timed.end_time.ToDatetime(UTC)


def demand_ended(appointments: Iterable[pb.Appointment]) -> None:
    """What stands is in the calendars, and what was cancelled is not: nothing is left half done."""
    for each in appointments:
        wanted = ADDED if each.state == ASSIGNED else REMOVED
        states = [assignee.entry_state for assignee in each.assignees]
        demand(set(states) == {wanted}, f"{each.id} {each.title!r} has entries that have not come to their end: {each}")


def demand_once_in_calendars(
    appointments: Iterable[pb.Appointment], google: GoogleState, titles: str, deleted: Iterable[Event] = ()
) -> None:
    """Each entry that is ADDED has one event, and no other has any; of what people deleted there, or none.

    Events of ours are known by how their titles begin; `titles` says how.
    """
    expected = Counter(
        (assignee.calendar_id, each.title, *time_of(each))
        for each in appointments
        for assignee in each.assignees
        if assignee.entry_state == ADDED
    )
    found = events_of(google, titles)
    missing = expected - found
    for event in deleted:
        missing.pop(event, None)
    demand(not missing, f"events that are ADDED, and not in their calendars: {dict(missing)}")
    surplus = found - expected
    demand(not surplus, f"events that are in calendars without an entry, or twice: {dict(surplus)}")


def events_of(google: GoogleState, titles: str) -> Counter[Event]:
    """What calendars show whose title begins so."""
    return Counter(
        (calendar.id, str(event.resource["summary"]), event.start, event.end)
        for calendar in google.calendars.values()
        for event in calendar.events.values()
        if not event.cancelled and str(event.resource.get("summary", "")).startswith(titles)
    )


def demand_nobody_twice(appointments: Iterable[pb.Appointment]) -> None:
    """Nobody has two appointments that stand at one time."""
    taken: dict[str, list[tuple[datetime, datetime, str]]] = defaultdict(list)
    for each in appointments:
        if each.state == ASSIGNED:
            for assignee in each.assignees:
                taken[assignee.account_id].append((*time_of(each), each.id))
    for account_id, times in taken.items():
        for before, after in pairwise(sorted(times)):
            demand(before[1] <= after[0], f"{account_id} has {before[2]} and {after[2]} at one time: {before}, {after}")


def demand_same_appointment(is_: pb.Appointment, was: pb.Appointment) -> None:
    """What was booked stays what it was."""
    same(_booked(is_), _booked(was), f"appointment {was.id}")


def _booked(each: pb.Appointment) -> Sequence[object]:
    return each.id, each.booking_page_id, each.title, time_of(each), list(each.attendees)
