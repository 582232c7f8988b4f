"""Appointments: who has them, and what became of them in the calendars.

1. An appointment stands once it is assigned, whatever becomes of adding it to calendars.
2. Each assignee has a calendar entry of their own, with an id that we make: what is sent twice is there once. An entry
   that was removed is never added again; who gets the appointment back gets another entry.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from calguard_server.domain.causes import Cause
from calguard_server.domain.intervals import Interval


class AppointmentState(StrEnum):
    """Whether an appointment stands; the names are part of the contract."""

    ASSIGNED = "ASSIGNED"
    CANCELLED = "CANCELLED"


class EntryState(StrEnum):
    """What became of an appointment in an assignee's add calendar; the names are part of the contract."""

    PENDING = "PENDING"
    ADDED = "ADDED"
    NOT_ADDED = "NOT_ADDED"
    REMOVING = "REMOVING"
    REMOVED = "REMOVED"


class Attendee(Struct, frozen=True):
    """Somebody who takes part, and is not a member."""

    email: str
    display_name: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """An appointment in the add calendar of an account.

    `event_id` is as Google takes it: 5 to 1024 of `0-9a-v`. Link and calendar are empty where the account has no add
    calendar. `cause` is why it is NOT_ADDED; None there means that there is no calendar to add it to.
    """

    event_id: str
    account_id: str
    state: EntryState
    calendar_link_id: str = ""
    calendar_id: str = ""
    cause: Cause | None = None
    attempts: int = 0
    next_attempt_time: datetime | None = None


class Assignee(Struct, frozen=True, kw_only=True):
    """A member who has an appointment; `faulty`: was so when it was assigned."""

    account_id: str
    faulty: bool
    entry: Entry


class Conflict(Struct, frozen=True):
    """What was found to be in an appointment's way after it was assigned."""

    account_id: str
    calendar_id: str
    time: Interval


class Appointment(Struct, frozen=True, kw_only=True):
    """An appointment on a page; `time_zone` is an IANA name, in which its times are shown."""

    id: str
    booking_page_id: str
    time: Interval
    time_zone: str
    title: str
    attendees: tuple[Attendee, ...]
    assignees: tuple[Assignee, ...]
    state: AppointmentState
    create_time: datetime
    update_time: datetime
    cancel_time: datetime | None = None
    conflicts: tuple[Conflict, ...] = ()
