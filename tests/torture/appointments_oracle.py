"""Whether all is well with appointments when nothing is under way: judged by answers, calendars and mail.

1. Nothing that was answered is lost or other than it was answered; nothing is there that no call was answered with.
2. Each entry is in its calendar once, but for what people deleted there; nothing else of ours is in any.
3. Nobody has two appointments at one time. (While calls are answered, the book sees to that, and to whose turn it is.)
4. What came in the way during an outage is known of its appointment, nothing else is, and its owner was told once:
   twice only where nobody could know that the first mail had arrived.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox.google.state import GoogleState
from tests.crash.booked import (
    ASSIGNED,
    Event,
    demand_ended,
    demand_nobody_twice,
    demand_once_in_calendars,
    demand_same_appointment,
    time_of,
)
from tests.simulation.complaint import demand, same
from tests.torture.book import TITLES, Book, Conflict
from tests.torture.told_conflicts import Told


def judge(
    appointments: Sequence[pb.Appointment],
    book: Book,
    google: GoogleState,
    deleted: Iterable[Event],
    told: Mapping[str, Told],
) -> Counter[str]:
    """Judge all that there is; answers what was judged. Raises ComplaintError."""
    _nothing_lost(appointments, book)
    demand_ended(appointments)
    demand_once_in_calendars(appointments, google, TITLES, deleted)
    demand_nobody_twice(appointments)
    standing = [each for each in appointments if each.state == ASSIGNED]
    for each in appointments:
        _conflicts_known(each, book)
    for appointment_id in told.keys() | book.ever_in_the_way:
        _told_once(appointment_id, book, told.get(appointment_id, Told()))
    found = sum(bool(each.conflicts) for each in standing)
    return Counter({"appointments": len(appointments), "that stand": len(standing), "with a conflict": found})


def _nothing_lost(appointments: Sequence[pb.Appointment], book: Book) -> None:
    listed = {each.id: each for each in appointments}
    demand(len(listed) == len(appointments), "an appointment is listed twice")
    same(sorted(listed.keys() - book.kept.keys()), [], "appointments that no call was answered with")
    same(sorted(book.kept.keys() - listed.keys()), [], "appointments that were answered, and are lost")
    for appointment_id, kept in book.kept.items():
        is_ = listed[appointment_id]
        demand_same_appointment(is_, kept.first)
        same(is_.state, kept.last.state, f"the state of {appointment_id}")
        same([each.account_id for each in is_.assignees], kept.holders, f"who has {appointment_id}")


def _conflicts_known(appointment: pb.Appointment, book: Book) -> None:
    expected = [book.conflicts[appointment.id]] if appointment.id in book.conflicts else []
    same([_conflict(each) for each in appointment.conflicts], expected, f"what is in the way of {appointment.id}")


def _told_once(appointment_id: str, book: Book, told: Told) -> None:
    demand(appointment_id in book.ever_in_the_way, f"{told} of {appointment_id}, and nothing was in its way")
    demand(len(told.states) <= 1, f"the owner is owed twice what is in the way of {appointment_id}: {told}")
    demand(told.mails <= 1 + told.doubtful, f"the owner was told twice what is in the way of {appointment_id}: {told}")
    if book.kept[appointment_id].stands and appointment_id in book.conflicts:
        demand(told.states == ("SENT",), f"the owner was not told what is in the way of {appointment_id}: {told}")
        demand(told.mails >= 1, f"the owner has no mail of what is in the way of {appointment_id}: {told}")


def _conflict(found: pb.AppointmentConflict) -> Conflict:
    return found.account_id, found.calendar_id, *time_of(found)
