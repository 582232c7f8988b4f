"""What an open incident owes as time goes by: reminders that the page is still stopped.

1. Reminders are counted from the incident's opening. They go to whom a stop would be told: the page's owner, and the
   accounts that are at fault by then.
2. One that falls due while the owner's hand holds the page is passed over. A recovery, a deletion and the hand stop
   them; after a resume that leaves the page stopped by rule the next ones follow.
3. Of several that have fallen due meanwhile, only the last is owed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.incident import Incident, Owed, Recipient
from calguard_server.domain.notices import Channel, Notice, NoticeKind, channels_to, recipients_of
from calguard_server.domain.page import BookingPage, PagePhase

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""How long after an incident's opening a reminder is owed, by default."""


class FollowUpReason(StrEnum):
    """Why an incident owes what it owes now."""

    REMINDER_DUE = "REMINDER_DUE"
    STOPPED_BY_HAND = "STOPPED_BY_HAND"
    NOT_DUE = "NOT_DUE"


class FollowUp(Struct, frozen=True):
    """The incident with the time of its next reminder, and what it owes now."""

    reason: FollowUpReason
    incident: Incident
    owed: tuple[Owed, ...] = ()


def next_reminder(open_time: datetime, now: datetime, reminders: Sequence[timedelta]) -> datetime | None:
    """Tell when the first reminder after now falls due; None where none is left. `reminders` ascend."""
    return next((open_time + each for each in reminders if open_time + each > now), None)


def decide_follow_up(
    incident: Incident,
    page: BookingPage,
    accounts: Mapping[str, Account | None],
    served: frozenset[Channel],
    reminders: Sequence[timedelta],
    now: datetime,
) -> FollowUp:
    """Decide what an open incident of a page owes now."""
    due = [each for each in reminders if incident.open_time + each <= now]
    if not due or incident.reminder_time is None or incident.reminder_time > now:
        return FollowUp(FollowUpReason.NOT_DUE, _scheduled(incident, reminders, now))
    if page.phase is not PagePhase.STOPPED_BY_RULE:
        return FollowUp(FollowUpReason.STOPPED_BY_HAND, _scheduled(incident, reminders, now))
    owed = _reminder(page, accounts, served, due[-1])
    return FollowUp(FollowUpReason.REMINDER_DUE, _scheduled(incident, reminders, now), (owed,))


def _scheduled(incident: Incident, reminders: Sequence[timedelta], now: datetime) -> Incident:
    return replace(incident, reminder_time=next_reminder(incident.open_time, now, reminders))


def _reminder(
    page: BookingPage, accounts: Mapping[str, Account | None], served: frozenset[Channel], after: timedelta
) -> Owed:
    ids = recipients_of(page, page.faulty)
    notice = Notice(NoticeKind.REMINDER, f"reminder:{after // timedelta(seconds=1)}s", ids, page.faulty)
    return Owed(notice, tuple(Recipient(each, channels_to(accounts.get(each), page, served)) for each in ids))
