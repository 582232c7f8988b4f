"""Refusing what a stopped page does not take."""

from calguard_server.domain.errors import FailedPreconditionError, named_ids
from calguard_server.domain.page import BookingPage, StopCause

_WHY = {
    StopCause.CALENDAR_FAILURE: "by its rule, for calendars that failed: these accounts reconnect them",
    StopCause.OWNER: "by its owner's hand: it takes bookings when it is resumed",
    StopCause.BOTH: "by its owner's hand, and by its rule, for calendars that failed",
}


def require_accepting(page: BookingPage) -> None:
    """Raise FailedPreconditionError `PAGE_STOPPED` where a page takes no bookings."""
    if page.accepting:
        return
    faulty = named_ids(fault.account_id for fault in page.faulty)
    raise FailedPreconditionError(
        "PAGE_STOPPED",
        f"booking page {page.id} is stopped {_WHY[page.stop_cause]}" + (f" ({faulty})" if faulty else ""),
        metadata={"stop_cause": page.stop_cause.value, "faulty_account_ids": faulty},
    )
