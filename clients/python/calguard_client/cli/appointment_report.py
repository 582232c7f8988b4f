"""An appointment as people are shown it."""

from collections.abc import Sequence

from calguard.v1 import appointment_pb2 as pb
from calguard_client.cli.cells import enum_name, lines, moment, state, text, texts
from calguard_client.cli.table import Cell, Column


def entry_states(appointment: pb.Appointment) -> str:
    """Tell what became of it in the calendars: each state once, with how many where they differ."""
    states = [enum_name(each, "entry_state") for each in appointment.assignees]
    counts = {each: states.count(each) for each in dict.fromkeys(states)}
    if len(counts) == 1:
        return next(iter(counts))
    return texts(f"{count} {each}" for each, count in counts.items())


def in_the_way(appointment: pb.Appointment) -> str:
    """Name whose calendars have something then, each once."""
    return texts(dict.fromkeys(each.account_id for each in appointment.conflicts))


COLUMNS: Sequence[Column[pb.Appointment]] = (
    Column("id", lambda appointment: text(appointment.id)),
    Column("page", lambda appointment: text(appointment.booking_page_id)),
    Column("begins", lambda appointment: moment(appointment.start_time)),
    Column("title", lambda appointment: text(appointment.title), folds=True),
    Column("who", lambda appointment: texts(each.account_id for each in appointment.assignees), folds=True),
    Column("state", state),
    Column("calendar", entry_states),
    Column("in the way", in_the_way, folds=True),
)


def _assignee(assignee: pb.Assignee) -> str:
    parts = [assignee.account_id, enum_name(assignee, "entry_state")]
    if assignee.calendar_id:
        parts.append(f"calendar {assignee.calendar_id}")
    if assignee.faulty:
        parts.append("calendars could not be read when it was assigned")
    if assignee.HasField("not_added"):
        parts.append(assignee.not_added.message)
    if assignee.HasField("next_attempt_time"):
        parts.append(f"next attempt {moment(assignee.next_attempt_time)}")
    return ", ".join(parts)


def _attendee(attendee: pb.Attendee) -> str:
    return f"{attendee.display_name} <{attendee.email}>" if attendee.display_name else attendee.email


def conflict_words(conflict: pb.AppointmentConflict) -> str:
    """Tell what is in the way, without the times."""
    return f"conflict with {conflict.account_id}'s calendar {conflict.calendar_id}"


def _conflict(conflict: pb.AppointmentConflict) -> str:
    times = f"{moment(conflict.start_time)} to {moment(conflict.end_time)}"
    return f"{times}, {conflict.account_id}, calendar {conflict.calendar_id}"


def details(appointment: pb.Appointment) -> list[tuple[str, Cell]]:
    """Tell all of an appointment."""
    return [
        ("appointment", text(appointment.id)),
        ("title", text(appointment.title)),
        ("booking page", text(appointment.booking_page_id)),
        ("state", state(appointment)),
        ("begins", moment(appointment.start_time)),
        ("ends", moment(appointment.end_time)),
        ("zone", text(appointment.time_zone)),
        ("who", lines(map(_assignee, appointment.assignees))),
        ("in the way", lines(map(_conflict, appointment.conflicts))),
        ("attendees", lines(map(_attendee, appointment.attendees))),
        ("assigned", moment(appointment.create_time)),
        ("changed", moment(appointment.update_time)),
        ("cancelled", moment(appointment.cancel_time)),
        ("etag", text(appointment.etag)),
    ]
