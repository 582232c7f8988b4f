"""What to list."""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.appointment import AppointmentState
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import PageState


class LinkFilter(Struct, frozen=True):
    """Which links to list; empty parts do not narrow. `within` are the accounts that the caller may see."""

    account_id: str = ""
    states: frozenset[LinkState] = frozenset()
    within: frozenset[str] = frozenset()


class PageFilter(Struct, frozen=True):
    """Which pages to list; empty parts do not narrow. `account_id`, and one of `within`, is the owner or a member."""

    account_id: str = ""
    states: frozenset[PageState] = frozenset()
    within: frozenset[str] = frozenset()


class NotificationFilter(Struct, frozen=True):
    """Which notifications to list; empty parts do not narrow. `within` are recipients that the caller may see."""

    states: frozenset[DeliveryState] = frozenset()
    booking_page_id: str = ""
    account_id: str = ""
    within: frozenset[str] = frozenset()


class AppointmentFilter(Struct, frozen=True):
    """Which appointments to list; empty parts do not narrow.

    `account_id` has it; it ends after `start_time` and begins before `end_time`. One of `within` has it, or owns its
    page or is a member of it. `conflicts_only`: it stands, and something is known to be in its way.
    """

    booking_page_id: str = ""
    account_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    states: frozenset[AppointmentState] = frozenset()
    within: frozenset[str] = frozenset()
    conflicts_only: bool = False
