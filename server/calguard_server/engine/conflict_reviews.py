"""Reviewing what was assigned while an account was faulty: ask its calendars, then save what is in the way, and owe it.

Calendars are asked outside of any transaction. Where our own events may be is read before: what is written or removed
meanwhile is then either known, or seen to have changed, and asked about again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import structlog
from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.appointment import Appointment, Assignee
from calguard_server.domain.conflicts import REVIEW_RETRY, OwnEvent, conflicts_of, own_events
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import conflict_notice
from calguard_server.engine.appointment_changes import save_appointment
from calguard_server.engine.busy import MemberTimes, concerned_links
from calguard_server.engine.context import Context
from calguard_server.engine.owing import owe_of_appointment
from calguard_server.engine.ports.entries import DueReview
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import ReviewStep, Unit, WorkingSet

_log = structlog.get_logger()
_DONE = ReviewStep()


class _Answer(Struct, frozen=True):
    """What calendars said: None where they did not answer. `link_ids` are the links that were asked.

    `appointments`, and `own`, where our own events were, are as they were before that.
    """

    appointments: Mapping[str, Appointment]
    own: Sequence[OwnEvent] = ()
    link_ids: frozenset[str] = frozenset()
    busy: Mapping[str, Sequence[Interval]] | None = None


class ConflictReviews:
    """Reviews the appointments of accounts whose calendars can be read again, one account at a time."""

    def __init__(self, context: Context, times: MemberTimes) -> None:
        self._context = context
        self._times = times

    async def work(self, due: DueReview) -> None:
        """Review an account's appointments. Whoever calls sees to it that nobody else does so meanwhile."""
        answer = await self._ask(due)
        pages = {each.booking_page_id for each in answer.appointments.values()}
        seeds = Seeds(appointments=due.appointment_ids, accounts=(due.account_id,), pages=tuple(sorted(pages)))
        found = await self._context.store.transact(Unit(seeds, lambda rows: self._save(rows, due, answer)))
        ids = due.appointment_ids
        _log.info("appointments reviewed", account_id=due.account_id, appointments=len(ids), conflicts=found)

    async def _ask(self, due: DueReview) -> _Answer:
        account_id, now = due.account_id, self._context.clock.now()
        rows = await self._context.store.look(Seeds(appointments=due.appointment_ids, accounts=(account_id,)))
        known = (rows.appointments.get(each) for each in due.appointment_ids)
        standing = {each.id: each for each in known if each is not None and _concerns(each, account_id, now)}
        links = [each for each in concerned_links(rows.links_of_account(account_id)) if _is_readable(each)]
        if not standing or not links:
            return _Answer(standing)
        times = [each.time for each in standing.values()]
        span = Interval(min(each.start for each in times), max(each.end for each in times))
        own = await self._context.store.own_events(account_id, span)
        busy = await self._times.by_calendar(links, span)
        return _Answer(standing, own, frozenset(each.id for each in links), busy)

    def _save(self, rows: WorkingSet, due: DueReview, answer: _Answer) -> int:
        """Save what came of each review; answers how many conflicts were found."""
        now, found = self._context.clock.now(), 0
        for appointment_id in due.appointment_ids:
            appointment, step = rows.appointments.get(appointment_id), _DONE
            if appointment is not None and _concerns(appointment, due.account_id, now):
                known = _is_known(appointment, answer)
                step = _step(rows.links_of_account(due.account_id), answer, now) if known else ReviewStep(again=now)
                if known and answer.busy is not None:
                    found += self._conclude(rows, appointment, due.account_id, answer, answer.busy, now)
            rows.put_review(due.account_id, appointment_id, step)
        return found

    def _conclude(
        self,
        rows: WorkingSet,
        appointment: Appointment,
        account_id: str,
        answer: _Answer,
        busy: Mapping[str, Sequence[Interval]],
        now: datetime,
    ) -> int:
        """Save and owe what is in the way besides what is known, as of another link that recovered before."""
        own = (*answer.own, *own_events(appointment))
        found = conflicts_of(account_id, appointment.time, busy, own)
        news = tuple(each for each in found if each not in appointment.conflicts)
        if news:
            saved = save_appointment(rows, replace(appointment, conflicts=(*appointment.conflicts, *news)), now)
            page = rows.pages.get(appointment.booking_page_id)
            if page is not None:
                notice = conflict_notice(page, appointment.id, _assignee(appointment, account_id).assign_time)
                owe_of_appointment(rows, self._context, page, saved, notice, now)
        return len(news)


def _step(links: Sequence[CalendarLink], answer: _Answer, now: datetime) -> ReviewStep:
    """Tell what becomes of a review: over, where every link has answered; else left to those that have failed."""
    concerned = concerned_links(links)
    if any(_is_readable(each) and each.id not in answer.link_ids for each in concerned):
        return ReviewStep(again=now)
    if answer.busy is None and any(_is_readable(each) for each in concerned):
        return ReviewStep(again=now + REVIEW_RETRY)
    return ReviewStep(until_recovery=not concerned or any(not _is_readable(each) for each in concerned))


def _is_readable(link: CalendarLink) -> bool:
    return link.state is not LinkState.FAILED


def _is_known(appointment: Appointment, answer: _Answer) -> bool:
    """Whether an appointment, and where its own events may be, is as it was before calendars were asked."""
    seen = answer.appointments.get(appointment.id)
    return seen is not None and own_events(seen) == own_events(appointment)


def _concerns(appointment: Appointment, account_id: str, now: datetime) -> bool:
    """Whether an account has an appointment that stands and is not over, and was faulty when it got it."""
    if not appointment.stands_for(account_id) or appointment.time.end <= now:
        return False
    return _assignee(appointment, account_id).faulty


def _assignee(appointment: Appointment, account_id: str) -> Assignee:
    return next(each for each in appointment.assignees if each.account_id == account_id)
