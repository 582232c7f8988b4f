"""Entries of appointments, and how their accounts stand to them."""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.appointment import Appointment, AppointmentState, Assignee, Entry


class EntryPlace(Struct, frozen=True):
    """An entry, and how its account stands to the appointment; `place` is None for who had it before.

    `faulty` and `assign_time` are of no account for an entry that was saved before.
    """

    entry: Entry
    appointment: Appointment
    place: int | None
    standing: bool
    faulty: bool
    assign_time: datetime


def entry_places(appointment: Appointment) -> dict[str, EntryPlace]:
    """Answer the entries of an appointment by their ids, of those who have it and of those who had it."""
    holders = enumerate(appointment.assignees)
    places = {each.entry.event_id: _held(appointment, place, each) for place, each in holders}
    return places | {entry.event_id: _left(appointment, entry) for entry in appointment.former}


def _held(appointment: Appointment, place: int, assignee: Assignee) -> EntryPlace:
    standing = appointment.state is AppointmentState.ASSIGNED
    return EntryPlace(assignee.entry, appointment, place, standing, assignee.faulty, assignee.assign_time)


def _left(appointment: Appointment, entry: Entry) -> EntryPlace:
    return EntryPlace(entry, appointment, None, standing=False, faulty=False, assign_time=appointment.create_time)


def differ(one: EntryPlace, other: EntryPlace) -> bool:
    """Whether what is saved of an entry is another."""
    return (one.entry, one.place, one.standing) != (other.entry, other.place, other.standing)
