"""The names of states, and what a page's state comes from, in words."""

from calguard.v1 import booking_page_pb2, calendar_link_pb2, cause_pb2, watch_pb2
from demo.cast import NAMES

LINKED, DEGRADED, STOPPED, FAILED = "LINKED", "DEGRADED", "STOPPED", "FAILED"


def link_state(link: calendar_link_pb2.CalendarLink) -> str:
    """The name of a link's state."""
    return _link_name(link.state)


def page_state(page: booking_page_pb2.BookingPage) -> str:
    """The name of a page's state."""
    return _page_name(page.state)


def page_why(page: booking_page_pb2.BookingPage) -> str:
    """Why a page is in its state."""
    faulty = [f"{NAMES[each.account_id]}'s" for each in page.faulty]
    healthy = [name for each in page.members if (name := f"{NAMES[each.account_id]}'s") not in faulty]
    if not faulty:
        return "every calendar works"
    if not healthy:
        return f"{' and '.join(faulty)} calendars fail"
    return f"{faulty[0]} calendar fails, {healthy[0]} works"


def change_words(change: watch_pb2.StateChange) -> str:
    """Tell a change on one line: its revision, what it is of, and from what to what."""
    return f"#{change.revision:<3} {_link_words(change) if change.HasField('calendar_link') else _page_words(change)}"


def _link_words(change: watch_pb2.StateChange) -> str:
    link = change.calendar_link
    before = _link_name(change.previous_link_state)
    why = (
        f"  {cause_pb2.CauseReason.Name(link.cause.reason).removeprefix('CAUSE_REASON_')}" if link.cause.reason else ""
    )
    return f"{'link of ' + NAMES[link.account_id]:<17} {_moved(change, before, link_state(link))}{why}"


def _page_words(change: watch_pb2.StateChange) -> str:
    page = change.booking_page
    before = _page_name(change.previous_page_state)
    why = f"  because of #{change.caused_by_revision}" if change.caused_by_revision else ""
    if change.type == watch_pb2.STATE_CHANGE_TYPE_UPDATED:
        why = f", now for {' and '.join(NAMES[each.account_id] for each in page.faulty)}"
    return f"{page.title:<17} {_moved(change, before, page_state(page))}{why}"


def _moved(change: watch_pb2.StateChange, before: str, now: str) -> str:
    match change.type:
        case watch_pb2.STATE_CHANGE_TYPE_STATE_CHANGED:
            return f"{before} -> {now}"
        case watch_pb2.STATE_CHANGE_TYPE_UPDATED:
            return f"still {now}"
        case _:
            return now


def _link_name(state: calendar_link_pb2.CalendarLinkState.ValueType) -> str:
    return calendar_link_pb2.CalendarLinkState.Name(state).removeprefix("CALENDAR_LINK_STATE_")


def _page_name(state: booking_page_pb2.BookingPageState.ValueType) -> str:
    return booking_page_pb2.BookingPageState.Name(state).removeprefix("BOOKING_PAGE_STATE_")
