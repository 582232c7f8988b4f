"""Silences: what people are not to be told for a while.

1. A silence holds for what all of its parts agree on: of a page, to an account, of a calendar link. A notice that names
   several faults is silenced where each of them is, be it by different silences.
2. It is looked at right before something is sent. It holds back what tells of trouble, and never the end of what was
   told, nor the operator's alerts, nor what is in an appointment's way: that is no failing calendar.
3. It ends at most 30 days after it began. Of an incident that is open by then, those are told for whom something was
   held back (follow_up.py).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.domain.delivery import Delivery
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import BookingPage, Fault

LONGEST = timedelta(days=30)
"""How far ahead a silence may end."""

SILENCES_MAX = 1_000
"""How many may be in force: each is looked at for each notice."""

_NEVER_SILENCED = (NoticeKind.OPERATOR_ALERT, NoticeKind.APPOINTMENT_CONFLICT)


class Silence(Struct, frozen=True, kw_only=True):
    """What is not to be told until a time; empty parts do not narrow."""

    id: str
    booking_page_id: str
    account_id: str
    calendar_link_id: str
    end_time: datetime
    reason: str
    create_time: datetime

    def covers(self, page_id: str, recipient_account_id: str, calendar_link_id: str) -> bool:
        """Whether it holds for what is told to somebody of a page (empty: of none) and a link."""
        asked = (
            (self.booking_page_id, page_id),
            (self.account_id, recipient_account_id),
            (self.calendar_link_id, calendar_link_id),
        )
        return all(not part or part == actual for part, actual in asked)


def last_silenced(
    page_id: str, recipient_account_id: str, faults: Iterable[Fault], silences: Sequence[Silence], now: datetime
) -> datetime | None:
    """Tell when the last silence is over that holds for any of the faults, as it is known now; None where none does."""
    ends = (_end(page_id, recipient_account_id, fault, silences, now) for fault in faults)
    return max((end for end in ends if end is not None), default=None)


def _end(
    page_id: str, recipient_account_id: str, fault: Fault, silences: Sequence[Silence], now: datetime
) -> datetime | None:
    link_id = fault.calendar_link_id
    holding = (each for each in silences if each.end_time > now and each.covers(page_id, recipient_account_id, link_id))
    return max((each.end_time for each in holding), default=None)


def is_silenced(delivery: Delivery, page: BookingPage | None, silences: Sequence[Silence], now: datetime) -> bool:
    """Tell whether a delivery that is true is not to be sent now; of the faults that it names, those that still are."""
    if not silences or delivery.kind.ends_incident or delivery.kind in _NEVER_SILENCED:
        return False
    faults = delivery.faults
    if page is not None:
        named = {fault.account_id for fault in faults}
        faults = tuple(fault for fault in page.faulty if fault.account_id in named) or faults
    page_id, recipient = delivery.booking_page_id, delivery.recipient_account_id
    return bool(faults) and all(_end(page_id, recipient, fault, silences, now) is not None for fault in faults)
