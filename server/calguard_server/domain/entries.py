"""An appointment's entry in a calendar: where it goes, when it is tried, and what comes of trying.

1. It goes to the add calendar of the account's first link that can be written to, as far as is known. Where there is
   none, or where adding fails, the entry is NOT_ADDED and says why. It is tried again without end, with full jitter
   from 5 s to 15 min, and at once when a link of the account can be written to again, or another add calendar is
   selected. While no link can be written to, it waits for that.
2. An entry that is not wanted any more and that was never sent is REMOVED as it is. One that was sent may be there,
   whatever was answered: it is REMOVING until the provider says that it is gone. Where adding failed, that is asked
   a minute later only: the provider may carry out what it was sent after the answer was given up.
3. Adding and removing of one entry never overlap: who claims an entry has it until the outcome is saved, or until the
   claim ends. What changes meanwhile is done after that.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.appointment import Entry, EntryState
from calguard_server.domain.backoff import doubled
from calguard_server.domain.causes import Cause, CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink, LinkState

RETRY_BASE = timedelta(seconds=5)
RETRY_CAP = timedelta(minutes=15)
LATE_ARRIVAL = timedelta(minutes=1)
"""For how long what failed to be added may still arrive."""


class EntryStep(StrEnum):
    """What is to be done about an entry that is due."""

    ADD = "ADD"
    REMOVE = "REMOVE"
    WAIT = "WAIT"  # until a link can be written to, or for the entry that takes its place


class EntryPlan(Struct, frozen=True):
    """A step, and the entry as it stands for it; `instead`: the entry that takes its place, in another calendar."""

    step: EntryStep
    entry: Entry
    instead: Entry | None = None


def can_write(link: CalendarLink) -> bool:
    """Whether a link's add calendar can be written to, as far as is known."""
    return link.state is not LinkState.STOPPED and link.authorized and bool(link.add_calendar_id)


def revives(before: CalendarLink, after: CalendarLink) -> bool:
    """Whether a change of a link is a reason to try at once what could not be added or removed."""
    if not can_write(after):
        return False
    recovered = after.state is LinkState.LINKED and before.state is not LinkState.LINKED
    return recovered or not can_write(before) or after.add_calendar_id != before.add_calendar_id


def new_entry(account_id: str, event_id: str, links: Iterable[CalendarLink], now: datetime) -> Entry:
    """Answer the entry of an account that has just got an appointment; `links` are the account's."""
    entry = Entry(event_id=event_id, account_id=account_id, state=EntryState.NOT_ADDED)
    link = _add_link(links)
    if link is None:
        return entry
    aimed = replace(entry, calendar_link_id=link.id, calendar_id=link.add_calendar_id)
    if not can_write(link):
        return replace(aimed, cause=_cause_of(link, now))
    return replace(aimed, state=EntryState.PENDING, next_attempt_time=now)


def plan(
    entry: Entry, links: Iterable[CalendarLink], other_event_id: str, now: datetime, lease: timedelta
) -> EntryPlan:
    """Decide what to do about an entry that is due; what is to be sent is claimed for a lease.

    `links` are the account's, `other_event_id` the id of an entry that may have to take its place.
    """
    known = sorted(links, key=lambda link: link.id)
    if entry.state is EntryState.REMOVING:
        return _plan_removing(entry, known, now + lease)
    if entry.state in (EntryState.PENDING, EntryState.NOT_ADDED):
        return _plan_adding(entry, known, other_event_id, now, now + lease)
    return EntryPlan(EntryStep.WAIT, replace(entry, claimed=False, next_attempt_time=None))


def _plan_removing(entry: Entry, links: list[CalendarLink], lease_end: datetime) -> EntryPlan:
    own = next((link for link in links if link.id == entry.calendar_link_id), None)
    if own is None or own.state is LinkState.STOPPED or not own.authorized:
        return EntryPlan(EntryStep.WAIT, replace(entry, claimed=False, next_attempt_time=None))
    return EntryPlan(EntryStep.REMOVE, _claimed(entry, lease_end))


def _plan_adding(
    entry: Entry, links: list[CalendarLink], other_event_id: str, now: datetime, lease_end: datetime
) -> EntryPlan:
    place = (entry.calendar_link_id, entry.calendar_id)
    link = next((each for each in links if _place(each) == place and can_write(each)), None) or _add_link(links)
    if link is None:
        return EntryPlan(EntryStep.WAIT, _waiting(entry, None))
    if not can_write(link):
        return EntryPlan(EntryStep.WAIT, _waiting(entry, _cause_of(link, now)))
    if _place(link) == place:
        return EntryPlan(EntryStep.ADD, _claimed(entry, lease_end))
    if not entry.fence:
        aimed = replace(entry, calendar_link_id=link.id, calendar_id=link.add_calendar_id)
        return EntryPlan(EntryStep.ADD, _claimed(aimed, lease_end))
    return EntryPlan(EntryStep.WAIT, unwanted(entry, now), new_entry(entry.account_id, other_event_id, links, now))


def _place(link: CalendarLink) -> tuple[str, str]:
    return (link.id, link.add_calendar_id)


def _claimed(entry: Entry, lease_end: datetime) -> Entry:
    return replace(entry, claimed=True, fence=entry.fence + 1, next_attempt_time=lease_end)


def _waiting(entry: Entry, cause: Cause | None) -> Entry:
    return replace(entry, state=EntryState.NOT_ADDED, cause=cause, claimed=False, next_attempt_time=None)


def unwanted(entry: Entry, now: datetime) -> Entry:
    """Answer an entry of an appointment that was cancelled, or has gone to somebody else."""
    if entry.state in (EntryState.REMOVING, EntryState.REMOVED):
        return entry
    if not entry.fence:
        return replace(entry, state=EntryState.REMOVED, cause=None, next_attempt_time=None)
    soon = now + LATE_ARRIVAL if entry.state is EntryState.NOT_ADDED else now
    due = entry.next_attempt_time if entry.claimed else soon
    return replace(entry, state=EntryState.REMOVING, cause=None, attempts=0, next_attempt_time=due)


def after_adding(entry: Entry, finding: Finding | None, now: datetime, chance: float) -> Entry:
    """Answer a claimed entry after it was sent; `finding` is why that failed. `chance` is a random number in [0, 1)."""
    freed = replace(entry, claimed=False)
    if entry.state is EntryState.REMOVING:
        return replace(freed, next_attempt_time=now if finding is None else now + LATE_ARRIVAL)
    if finding is None:
        return replace(freed, state=EntryState.ADDED, cause=None, attempts=0, next_attempt_time=None)
    since = entry.cause.since if entry.cause is not None and entry.cause.reason is finding.reason else now
    cause = Cause(finding.reason, since, finding.calendar_id, finding.capability)
    return replace(_put_off(freed, finding, now, chance), state=EntryState.NOT_ADDED, cause=cause)


def after_id_taken(entry: Entry, other_event_id: str, now: datetime) -> tuple[Entry, Entry | None]:
    """Answer a claimed entry whose id is taken for good, be it by what was deleted, and what takes its place."""
    gone = replace(entry, state=EntryState.REMOVED, claimed=False, cause=None, attempts=0, next_attempt_time=None)
    if entry.state is EntryState.REMOVING:
        return gone, None
    fresh = Entry(
        event_id=other_event_id,
        account_id=entry.account_id,
        state=EntryState.PENDING,
        calendar_link_id=entry.calendar_link_id,
        calendar_id=entry.calendar_id,
        next_attempt_time=now,
    )
    return gone, fresh


def after_removing(entry: Entry, finding: Finding | None, now: datetime, chance: float) -> Entry:
    """Answer a claimed entry after its removal was asked for; `finding` is why that failed."""
    freed = replace(entry, claimed=False)
    if finding is None:
        return replace(freed, state=EntryState.REMOVED, attempts=0, next_attempt_time=None)
    return _put_off(freed, finding, now, chance)


def _put_off(entry: Entry, finding: Finding, now: datetime, chance: float) -> Entry:
    ceiling = doubled(RETRY_BASE, entry.attempts, RETRY_CAP)
    delay = max(RETRY_BASE, ceiling * chance, finding.retry_after or timedelta())
    return replace(entry, attempts=entry.attempts + 1, next_attempt_time=now + delay)


def _add_link(links: Iterable[CalendarLink]) -> CalendarLink | None:
    """Choose the link whose add calendar is written to: the first that can be, else the first that has one."""
    chosen = [
        link
        for link in sorted(links, key=lambda each: each.id)
        if link.add_calendar_id and link.state is not LinkState.STOPPED
    ]
    return next(filter(can_write, chosen), next(iter(chosen), None))


def _cause_of(link: CalendarLink, now: datetime) -> Cause:
    return link.cause or Cause(CauseReason.AUTHORIZATION_INCOMPLETE, now)
