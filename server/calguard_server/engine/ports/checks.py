"""Which links are to be checked, and what a check leaves behind."""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.ports.grants import Grant


class DueLink(Struct, frozen=True):
    """A link whose check is due, and its grant; None where none is stored, or no key opens it."""

    link: CalendarLink
    grant: Grant | None


class CheckTimes(Struct, frozen=True):
    """What a check that changed nothing leaves behind.

    Dropped where the link rests on other evidence by now, or was checked again since.
    """

    calendar_link_id: str
    evidence: int
    last_check_time: datetime
    next_check_time: datetime | None
    consecutive_failures: int
    failing_since: datetime | None
    quota_exhausted_since: datetime | None = None
