"""Appointments: who has them, and what became of them in the calendars.

1. An appointment stands once it is assigned, whatever becomes of adding it to calendars.
2. Each assignee has a calendar entry of their own, with an id that we make: what is sent twice is there once. An entry
   that was removed is never added again; who gets the appointment back gets another entry.
3. An entry that was tried stays with its calendar, because it may be there. What is to go elsewhere is another entry.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import Cause
from calguard_server.domain.intervals import Interval

LONGEST = timedelta(hours=24)
"""How long an appointment lasts at most."""


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
    calendar. `cause` is why it is NOT_ADDED; None there means that there is no calendar to add it to. `attempts` counts
    the failures in a row, `fence` the claims: at 0 nothing was ever sent. While it is `claimed`, somebody adds or
    removes it, and `next_attempt_time` is when that claim ends.
    """

    event_id: str
    account_id: str
    state: EntryState
    calendar_link_id: str = ""
    calendar_id: str = ""
    cause: Cause | None = None
    attempts: int = 0
    next_attempt_time: datetime | None = None
    fence: int = 0
    claimed: bool = False


class Assignee(Struct, frozen=True, kw_only=True):
    """A member who has an appointment; `faulty`: was so when it was assigned."""

    account_id: str
    faulty: bool
    entry: Entry
    assign_time: datetime


class Conflict(Struct, frozen=True):
    """What was found to be in an appointment's way after it was assigned."""

    account_id: str
    calendar_id: str
    time: Interval


class Appointment(Struct, frozen=True, kw_only=True):
    """An appointment on a page; `time_zone` is an IANA name, in which its times are shown.

    `of_all`: it was assigned to everybody. `former` are the entries of those who had it before. Revision and update
    time are of its last change that readers see.
    """

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
    of_all: bool = False
    former: tuple[Entry, ...] = ()
    revision: int = 0

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts that have it."""
        return tuple(each.account_id for each in self.assignees)

    @property
    def shown(self) -> tuple[object, ...]:
        """What readers see of it that can change: neither claims, nor when an entry is tried next."""
        return (self.state, self.conflicts, *(_shown(each) for each in self.assignees))

    def stands_for(self, account_id: str) -> bool:
        """Whether an account is to keep its time."""
        return self.state is AppointmentState.ASSIGNED and account_id in self.account_ids

    def entry(self, event_id: str) -> Entry | None:
        """Answer one of its entries, be it of somebody who has it or had it."""
        every = (*(each.entry for each in self.assignees), *self.former)
        return next((each for each in every if each.event_id == event_id), None)

    def with_entry(self, entry: Entry) -> "Appointment":
        """Put an entry in the place of what it was."""
        assignees = tuple(
            replace(each, entry=entry) if each.entry.event_id == entry.event_id else each for each in self.assignees
        )
        former = tuple(entry if each.event_id == entry.event_id else each for each in self.former)
        return replace(self, assignees=assignees, former=former)

    def with_other_entry(self, left: Entry, entry: Entry) -> "Appointment":
        """Give an assignee another entry; the one before is left behind."""
        assignees = tuple(
            replace(each, entry=entry) if each.entry.event_id == left.event_id else each for each in self.assignees
        )
        return replace(self, assignees=assignees, former=(*self.former, left))


def _shown(assignee: Assignee) -> tuple[object, ...]:
    entry = assignee.entry
    cause = entry.cause if entry.state is EntryState.NOT_ADDED else None
    return (assignee.account_id, assignee.faulty, entry.state, entry.calendar_link_id, entry.calendar_id, cause)
