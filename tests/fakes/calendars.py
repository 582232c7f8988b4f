"""Calendars that do what a test says, and the use cases of appointments over them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.engine.appointments import Appointments, Booking
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.conflict_reviews import ConflictReviews
from calguard_server.engine.entries import Entries
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.ports.appointment_calendars import BusyTimes, EntryDraft
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import EventIdTakenError, ProviderFailureError
from calguard_server.workers.account_loop import AccountLoopOptions
from calguard_server.workers.entry_loop import EntryLoop, ReviewLoop
from tests.fakes.inline_connections import next_turn
from tests.fakes.service import Service
from tests.fakes.world import START

LEASE, TIMEOUT = timedelta(minutes=1), timedelta(seconds=4)


@dataclass
class FakeCalendars:
    """Calendars that hold events by their ids, as Google does: an id that was used once is used.

    `busy` is by link, and where they are `blocking` so are events; a finding in `failing` is met by all that asks a
    link. Of a link in `answers_lost` nobody hears what was done, one in `hanging` takes an hour for each, and one in
    `silent` to say when it is busy. `pause` is waited for before and after each change, so that a test can stop it in
    between.
    """

    busy: dict[str, list[Interval]] = field(default_factory=dict)
    failing: dict[str, Finding] = field(default_factory=dict)
    answers_lost: set[str] = field(default_factory=set)
    hanging: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    events: dict[str, tuple[str, EntryDraft]] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    inserts: Counter[str] = field(default_factory=Counter)
    deletes: Counter[str] = field(default_factory=Counter)
    asked: list[str] = field(default_factory=list)
    blocking: bool = False
    pause: Callable[[], Awaitable[None]] = next_turn

    async def busy_times(
        self,
        calendar_link_id: str,
        grant: Grant,  # noqa: ARG002 - the port's
        calendar_ids: Sequence[str],
        window: Interval,
    ) -> BusyTimes:
        self.asked.append(calendar_link_id)
        if calendar_link_id in self.silent:
            await asyncio.sleep(3600)  # noqa: TID251 - virtual: the loop jumps
        await self.pause()
        self._meet(calendar_link_id)
        taken = [*self.busy.get(calendar_link_id, ()), *(self._times(calendar_link_id) if self.blocking else ())]
        times = tuple(each for each in taken if each.overlaps(window))
        return BusyTimes(dict.fromkeys(calendar_ids, times))

    async def add_entry(self, calendar_link_id: str, grant: Grant, draft: EntryDraft) -> None:  # noqa: ARG002 - the port's
        self.inserts[draft.event_id] += 1
        if calendar_link_id in self.hanging:
            await asyncio.sleep(3600)  # noqa: TID251 - virtual: the loop jumps
        await self.pause()
        self._meet(calendar_link_id)
        if draft.event_id in self.deleted:
            raise EventIdTakenError
        self.events.setdefault(draft.event_id, (calendar_link_id, draft))
        await self._answer(calendar_link_id)

    async def remove_entry(self, calendar_link_id: str, grant: Grant, calendar_id: str, event_id: str) -> None:  # noqa: ARG002 - the port's
        self.deletes[event_id] += 1
        await self.pause()
        self._meet(calendar_link_id)
        if self.events.pop(event_id, None) is not None:
            self.deleted.add(event_id)
        await self._answer(calendar_link_id)

    async def _answer(self, calendar_link_id: str) -> None:
        await self.pause()
        if calendar_link_id in self.answers_lost:
            raise ProviderFailureError(Finding(CauseReason.NETWORK_ERROR))

    def _meet(self, calendar_link_id: str) -> None:
        if calendar_link_id in self.failing:
            raise ProviderFailureError(self.failing[calendar_link_id])

    def _times(self, calendar_link_id: str) -> list[Interval]:
        return [draft.time for link_id, draft in self.events.values() if link_id == calendar_link_id]

    def titles(self, calendar_link_id: str) -> list[str]:
        """What a link's calendars show."""
        return sorted(draft.title for link_id, draft in self.events.values() if link_id == calendar_link_id)


@dataclass
class Desk:
    """The use cases of appointments over a service; its loops are to be run by the test."""

    service: Service
    calendars: FakeCalendars
    appointments: Appointments
    failures: FailuresMet
    loop: EntryLoop
    reviews: ReviewLoop

    async def book(self, page_id: str, time: Interval, title: str = "Visit", **fields: str) -> Appointment:
        booking = Booking(booking_page_id=page_id, time=time, time_zone="Asia/Tokyo", title=title, **fields)
        return await self.appointments.assign(booking)


def open_desk(service: Service, calendars: FakeCalendars | None = None) -> Desk:
    """Build what appointments need; whoever opens it closes its failures."""
    context, calendars = service.context, calendars or FakeCalendars()
    failures = FailuresMet(service.reports.spaced_checks, context.clock)
    times = MemberTimes(context, calendars, failures, timedelta(), TIMEOUT)
    entries = Entries(context, calendars, failures, times.invalidate, LEASE)
    loop = EntryLoop(service.store, entries, context.clock, AccountLoopOptions())
    reviews = ReviewLoop(service.store, ConflictReviews(context, times), context.clock, AccountLoopOptions())
    for each in (loop, reviews):
        service.store.listen_for_entries(each.nudge)
    return Desk(service, calendars, Appointments(context, times), failures, loop, reviews)


def slot(number: int, minutes: int = 30, start: datetime = START + timedelta(days=1)) -> Interval:
    """Answer one of the times that follow one another from tomorrow on."""
    begins = start + number * timedelta(minutes=minutes)
    return Interval(begins, begins + timedelta(minutes=minutes))


REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)
DOWN = Finding(CauseReason.PROVIDER_UNAVAILABLE)
