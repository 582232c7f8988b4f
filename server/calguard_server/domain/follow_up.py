"""What an open incident owes as time goes by: reminders, and what a silence held back.

1. Reminders are counted from a page's incident's opening. They go to whom a stop would be told: the page's owner, and
   the accounts that are at fault by then.
2. One that falls due while the owner's hand holds the page is passed over. A recovery, a deletion and the hand stop
   them; after a resume that leaves the page stopped by rule the next ones follow.
3. Of several that have fallen due meanwhile, only the last is owed.
4. When a silence is over, those for whom it held something back are told of it as it stands by then, once for all of
   it: that the page is stopped, or, where they know that, who is at fault besides. Nothing is told while any of it is
   silenced still. A reminder that was held back is over.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.incident import Incident, Owed, Recipient, Told
from calguard_server.domain.notices import (
    STOPPED,
    Channel,
    Notice,
    NoticeKind,
    channels_to,
    recipients_of,
)
from calguard_server.domain.page import BookingPage, PagePhase
from calguard_server.domain.silence import Silence, last_silenced

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7), timedelta(days=14))
"""How long after an incident's opening a reminder is owed, by default."""

_REMINDER, _FAULTY, _OTHERS, _FAILED = "reminder", "faulty", "others", "failed"
_TELL_THE_START = (STOPPED, _FAILED)
_TELL_ALL = (*_TELL_THE_START, _OTHERS)
"""How stages begin: of what tells that an incident is open, and of what tells of all that is at fault."""


class FollowUpReason(StrEnum):
    """Why an incident owes what it owes now."""

    REMINDER_DUE = "REMINDER_DUE"
    SILENCE_OVER = "SILENCE_OVER"
    STILL_SILENCED = "STILL_SILENCED"
    STOPPED_BY_HAND = "STOPPED_BY_HAND"
    NOT_DUE = "NOT_DUE"


class FollowUp(Struct, frozen=True):
    """The incident with the times at which it is looked at next, and what it owes now."""

    reason: FollowUpReason
    incident: Incident
    owed: tuple[Owed, ...] = ()


class Situation(Struct, frozen=True):
    """What following up rests on; `accounts` has the owner and the members, `silences` those in force."""

    accounts: Mapping[str, Account | None]
    served: frozenset[Channel]
    silences: Sequence[Silence]
    reminders: Sequence[timedelta]
    now: datetime


class HeldBack(Struct, frozen=True):
    """For whom a silence held something back that was not made up for since, and of which members' faults.

    `knows`: they were told that the page is stopped, or the link failed.
    """

    recipient_account_id: str
    channel: Channel
    account_ids: frozenset[str]
    knows: bool


def next_reminder(open_time: datetime, now: datetime, reminders: Sequence[timedelta]) -> datetime | None:
    """Tell when the first reminder after now falls due; None where none is left. `reminders` ascend."""
    return next((open_time + each for each in reminders if open_time + each > now), None)


def decide_follow_up(incident: Incident, page: BookingPage, situation: Situation) -> FollowUp:
    """Decide what an open incident of a page owes now."""
    now, reminders = situation.now, situation.reminders
    due = incident.reminder_time is not None and incident.reminder_time <= now
    after = replace(incident, reminder_time=next_reminder(incident.open_time, now, reminders))
    if page.phase is not PagePhase.STOPPED_BY_RULE:
        return FollowUp(FollowUpReason.STOPPED_BY_HAND, replace(after, silenced_time=None))
    again, owed = _made_up(incident, page, situation)
    passed = [each for each in reminders if incident.open_time + each <= now]
    if due and passed:
        owed += (_reminder(page, situation, passed[-1]),)
    return FollowUp(_reason(owed, again), replace(after, silenced_time=again), owed)


def _reason(owed: Sequence[Owed], again: datetime | None) -> FollowUpReason:
    if any(each.notice.kind is NoticeKind.REMINDER for each in owed):
        return FollowUpReason.REMINDER_DUE
    if owed:
        return FollowUpReason.SILENCE_OVER
    return FollowUpReason.NOT_DUE if again is None else FollowUpReason.STILL_SILENCED


def held_back(told: Sequence[Told]) -> list[HeldBack]:
    """Name for whom something was held back since they were last told how it stands."""
    waits: dict[tuple[str, Channel], set[str]] = {}
    knows: set[tuple[str, Channel]] = set()
    for each in told:
        whom, stage = (each.recipient_account_id, each.channel), each.stage.split(":")
        if each.silenced:
            waits.setdefault(whom, set()).update(each.named if stage[0] != _REMINDER else ())
        elif stage[0] in _TELL_ALL:
            waits.pop(whom, None)
        elif stage[0] == _FAULTY:
            waits.get(whom, set()).discard(stage[1])
        if stage[0] in _TELL_THE_START and not each.dropped:
            knows.add(whom)
    return [HeldBack(*whom, frozenset(names), whom in knows) for whom, names in waits.items() if names]


def _made_up(incident: Incident, page: BookingPage, situation: Situation) -> tuple[datetime | None, tuple[Owed, ...]]:
    """Tell when to look again at what is still silenced, and owe what is not."""
    if incident.silenced_time is None or incident.silenced_time > situation.now:
        return incident.silenced_time, ()
    again, owed = list[datetime](), list[Owed]()
    concerned = recipients_of(page, page.faulty)
    for number, each in enumerate(held_back(incident.told), start=len(incident.told)):
        whom = each.recipient_account_id
        channels = channels_to(situation.accounts.get(whom), page, situation.served)
        faults = tuple(fault for fault in page.faulty if fault.account_id in each.account_ids)
        if whom not in concerned or each.channel not in channels or not faults:
            continue
        until = last_silenced(page.id, whom, faults, situation.silences, situation.now)
        if until is not None:
            again.append(until)
            continue
        kind, stage = (NoticeKind.MEMBER_FAULTY, _OTHERS) if each.knows else (NoticeKind.PAGE_STOPPED, STOPPED)
        notice = Notice(kind, f"{stage}:silenced:{number}", (whom,), faults if each.knows else page.faulty)
        owed.append(Owed(notice, (Recipient(whom, (each.channel,)),)))
    return min(again, default=None), tuple(owed)


def _reminder(page: BookingPage, situation: Situation, after: timedelta) -> Owed:
    ids = recipients_of(page, page.faulty)
    notice = Notice(NoticeKind.REMINDER, f"{_REMINDER}:{after // timedelta(seconds=1)}s", ids, page.faulty)
    accounts, served = situation.accounts, situation.served
    return Owed(notice, tuple(Recipient(each, channels_to(accounts.get(each), page, served)) for each in ids))
