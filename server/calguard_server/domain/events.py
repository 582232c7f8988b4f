"""What happened to a link or a page, as subscribers are told."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
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


class ChangeType(StrEnum):
    """What happened."""

    CREATED = "CREATED"
    STATE_CHANGED = "STATE_CHANGED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"


class Change(Struct, frozen=True, kw_only=True):
    """One change of one resource: the resource as it stands after it, or last stood.

    `former_account_ids` are those whom the resource concerned before the change, and no longer does. `caused_by` is
    the revision of the link's change, in the same transaction, that a page's change follows from; else 0.
    """

    revision: int
    time: datetime
    type: ChangeType
    resource: "CalendarLink | BookingPage | ProviderStatus"
    previous_state: str = ""
    former_account_ids: tuple[str, ...] = ()
    caused_by: int = 0
