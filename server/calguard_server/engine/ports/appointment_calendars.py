"""The calendar provider, as far as appointments need it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from calguard_server.domain.appointment import Attendee
from calguard_server.domain.causes import Finding
from calguard_server.domain.intervals import Interval
from calguard_server.engine.ports.grants import Grant


class BusyTimes(Struct, frozen=True):
    """When calendars are busy, by calendar, in order and apart from one another.

    `failed` are those that could not be read, and are in `busy` not at all.
    """

    busy: Mapping[str, tuple[Interval, ...]]
    failed: tuple[Finding, ...] = ()


class EntryDraft(Struct, frozen=True, kw_only=True):
    """An appointment as it is written to a calendar. The ids are those of the calendar and of the event."""

    calendar_id: str
    event_id: str
    title: str
    time: Interval
    time_zone: str
    attendees: tuple[Attendee, ...] = ()


class AppointmentCalendars(Protocol):
    """Google, as far as appointments need it."""

    async def busy_times(
        self, calendar_link_id: str, grant: Grant, calendar_ids: Sequence[str], window: Interval
    ) -> BusyTimes:
        """Ask when calendars are busy within a window. Raises ProviderFailureError where none could be asked."""
        ...

    async def add_entry(self, calendar_link_id: str, grant: Grant, draft: EntryDraft) -> None:
        """Write an event; ours that is there already is as good. Raises ProviderFailureError, EventIdTakenError."""
        ...

    async def remove_entry(self, calendar_link_id: str, grant: Grant, calendar_id: str, event_id: str) -> None:
        """Delete an event; one that is gone already is as good. Raises ProviderFailureError."""
        ...
