"""Whether a page accepts bookings, as far as a mirror knows."""

import enum


class Acceptance(enum.Enum):
    """True only where the page is known to accept; the rest say why not, so that a caller may decide otherwise."""

    ACCEPTING = "the page accepts bookings"
    STOPPED = "the page accepts no bookings"
    UNKNOWN_PAGE = "there is no such page, or the mirror's filter leaves it out"
    STALE = "the mirror has not been current for longer than it may be: what it shows may have changed"
    NOT_READY = "the first snapshot has not been received"

    def __bool__(self) -> bool:
        return self is Acceptance.ACCEPTING
