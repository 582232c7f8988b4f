"""What there is, and what waits, counted."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from calguard_server.domain.appointment import EntryState
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import PagePhase


class StatusCounts(Struct, frozen=True):
    """What there is: every state of links and every phase of pages is named.

    `unsent` counts deliveries that are still to be made, the oldest of which was owed at `oldest_unsent_time`; `dead`
    those that were given up.
    """

    links: Mapping[LinkState, int]
    pages: Mapping[PagePhase, int]
    unsent: int
    oldest_unsent_time: datetime | None
    dead: int


class WorkCounts(Struct, frozen=True):
    """What waits to be done, or to pass: when the longest due check and entry of an appointment were due, if any is.

    `undone_entries` counts entries that could not be added or removed so far, `open_incidents` stopped pages and links
    that somebody was told of, or is to be.
    """

    oldest_due_check: datetime | None
    oldest_due_entry: datetime | None
    undone_entries: Mapping[EntryState, int]
    open_incidents: int
