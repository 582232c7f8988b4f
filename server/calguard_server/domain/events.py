"""What happened to a link, a page or an appointment, as subscribers are told."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from calguard_server.domain.appointment import Appointment
    from calguard_server.domain.link_state import CalendarLink
    from calguard_server.domain.page import BookingPage
    from calguard_server.domain.provider_incident import ProviderStatus


class Notability(StrEnum):
    """How much of a change a decision made."""

    NONE = "NONE"
    QUIET = "QUIET"  # only times and counts: saved in batches, no event
    UPDATED = "UPDATED"
    STATE_CHANGED = "STATE_CHANGED"

    @property
    def makes_event(self) -> bool:
        """Whether subscribers are told."""
        return self in (Notability.UPDATED, Notability.STATE_CHANGED)


class ResourceKind(StrEnum):
    """What is watched."""

    CALENDAR_LINK = "CALENDAR_LINK"
    BOOKING_PAGE = "BOOKING_PAGE"
    PROVIDER_STATUS = "PROVIDER_STATUS"
    APPOINTMENT = "APPOINTMENT"


class WatchMode(StrEnum):
    """Which of a resource's changes a watcher is sent."""

    EVERY = "EVERY"
    LATEST = "LATEST"  # of those that wait to be sent, the latest


class ChangeType(StrEnum):
    """What happened."""

    CREATED = "CREATED"
    STATE_CHANGED = "STATE_CHANGED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class Change(Struct, frozen=True, kw_only=True):
    """One change of one resource: the resource as it stands after it, or last stood.

    Where the resource was there before, `added_account_ids` are those whom it concerns now and did not before, and
    `removed_account_ids` those whom it did and does not any more. `caused_by` is the revision of the link's change, in
    the same transaction, that a page's change follows from; else 0.
    """

    revision: int
    time: datetime
    type: ChangeType
    resource: "CalendarLink | BookingPage | ProviderStatus | Appointment"
    previous_state: str = ""
    added_account_ids: tuple[str, ...] = ()
    removed_account_ids: tuple[str, ...] = ()
    caused_by: int = 0
