"""When members are busy: what their check calendars say, asked side by side, and what is kept of it for a moment.

1. A member's time is that of all its links with check calendars; without any it is free, for nothing is referred to.
2. It is not known where one of these links is FAILED, and nothing is asked then; where no key opens a link's grant; and
   where any of the calendars fails just now. What fails is looked at by an ordinary check of the link, at once.
3. Nor is it known where a link has not answered in time; nobody waits longer than their caller does. What was asked
   and is silent has failed just now, unless the caller was in a hurry; what still waited for its turn has not.
4. A link that is DEGRADED is asked: what it has need not concern busy time.
"""

from collections.abc import Collection, Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import partial

from calguard_server.domain.availability import MemberTime
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.intervals import Interval, merged
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.asking_turns import AskingTurns
from calguard_server.engine.busy_cache import BusyCache, BusyKey, whole_days
from calguard_server.engine.context import Context
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.grant_reader import GrantReader
from calguard_server.engine.ports.appointment_calendars import AppointmentCalendars
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.side_by_side import side_by_side
from calguard_server.engine.single_flight import SingleFlight
from calguard_server.engine.waiting import ended_within

MOST_AT_ONCE = 64
"""How many links are asked at a time, of all who ask."""

_HURRY = timedelta(seconds=1)
"""Of whose caller waits for less, silence says nothing: Google may take that long."""

Busy = tuple[Interval, ...]

LinksOf = Mapping[str, Sequence[CalendarLink]]
"""The links of accounts, all of each."""


class MemberTimes:
    """Tells when accounts are busy. Whose calendars have not answered after `timeout` is unknown."""

    def __init__(
        self,
        context: Context,
        calendars: AppointmentCalendars,
        failures: FailuresMet,
        cache_lifetime: timedelta,
        timeout: timedelta,
    ) -> None:
        self._context = context
        self._calendars = calendars
        self._failures = failures
        self._timeout = timeout
        self._grants = GrantReader(context.store)
        self._cache = BusyCache(context.clock, cache_lifetime)
        self._flights = SingleFlight[BusyKey, Busy | None]()
        self._under_way: dict[str, set[BusyKey]] = {}
        self._turns = AskingTurns(MOST_AT_ONCE)

    async def of_accounts(
        self, account_ids: Collection[str], window: Interval, *, fresh: bool = False
    ) -> tuple[MemberTime, ...]:
        """Tell when accounts are busy, in their order; `fresh`: as it is now, whatever is kept or under way."""
        links = {each: await self._context.store.links_of_account(each) for each in account_ids}
        return await self.of_links(links, window, fresh=fresh)

    async def of_links(
        self, links_of: LinksOf, window: Interval, *, fresh: bool = False, patience: timedelta | None = None
    ) -> tuple[MemberTime, ...]:
        """Tell when accounts are busy by their links, which were just read; all are asked side by side.

        `patience` is how long the caller waits at most; None: it has no deadline.
        """
        concerned = {each: concerned_links(links) for each, links in links_of.items()}
        readable = [link for links in concerned.values() if not _any_failed(links) for link in links]
        limit = self._timeout if patience is None else min(patience, self._timeout)
        times = await self._of_each(readable, window if fresh else whole_days(window), limit, fresh=fresh)
        return tuple(_member_time(each, links, times) for each, links in concerned.items())

    async def by_calendar(
        self, links: Sequence[CalendarLink], window: Interval
    ) -> Mapping[str, Sequence[Interval]] | None:
        """Tell when each check calendar of links is busy, as it is now; None where that is not known of all."""
        answers = await side_by_side(self._ask(each, window) for each in links)
        busy: dict[str, list[Interval]] = {}
        for answer in answers:
            if answer is None:
                return None
            for calendar_id, times in answer.items():
                busy.setdefault(calendar_id, []).extend(times)
        return busy

    def invalidate(self, account_ids: Collection[str]) -> None:
        """Forget when accounts are busy: something was written to their calendars, or is not there any more."""
        self._cache.drop(account_ids)
        for account_id in account_ids:
            for key in self._under_way.pop(account_id, ()):
                self._flights.forget(key)

    async def _of_each(
        self, links: Sequence[CalendarLink], window: Interval, limit: timedelta, *, fresh: bool
    ) -> Mapping[str, Busy | None]:
        """Tell when each link's check calendars are busy; a link that has not answered within the limit is left out."""
        known: dict[str, Busy | None] = {}
        asking: dict[str, Coroutine[None, None, Busy | None]] = {}
        for link in links:
            if fresh:
                asking[link.id] = self._ask_together(link, window)
                continue
            key = BusyKey.of(link, window)
            kept = self._cache.get(key)
            if kept is None:
                asking[link.id] = self._flights.ask(key, partial(self._ask_and_keep, link, key))
            else:
                known[link.id] = kept
        by_id = {each.id: each for each in links}
        late = partial(self._meet_silence, by_id, limit)
        return known | await ended_within(self._context.clock, limit, asking, late)

    def _meet_silence(self, links: Mapping[str, CalendarLink], waited: timedelta, link_id: str) -> None:
        """Have a link looked at that was asked and is silent, unless the caller was in a hurry."""
        if self._turns.is_asked(link_id) and waited >= min(self._timeout, _HURRY):
            self._failures.meet(links[link_id], (Finding(CauseReason.NETWORK_ERROR),))

    async def _ask_and_keep(self, link: CalendarLink, key: BusyKey) -> Busy | None:
        """Ask; what was invalidated meanwhile is not kept."""
        under_way = self._under_way.setdefault(key.account_id, set())
        under_way.add(key)
        asked = self._context.clock.timer()
        try:
            busy = await self._ask_together(link, key.window)
            if busy is not None and self._under_way.get(key.account_id) is under_way:
                self._cache.put(key, busy, asked)
        finally:
            under_way.discard(key)
            if not under_way and self._under_way.get(key.account_id) is under_way:
                del self._under_way[key.account_id]
        return busy

    async def _ask_together(self, link: CalendarLink, window: Interval) -> Busy | None:
        """Ask when any of a link's check calendars is busy; None where that is not known of all."""
        busy = await self._ask(link, window)
        return None if busy is None else _together([busy[each] for each in link.check_calendar_ids])

    async def _ask(self, link: CalendarLink, window: Interval) -> Mapping[str, Busy] | None:
        """Ask when each of a link's check calendars is busy; None where that is not known of all."""
        async with self._turns.take(link.id):
            grant = await self._grants.usable_grant(link.id)
            if grant is None:
                self._failures.meet(link, (Finding(CauseReason.AUTHORIZATION_INCOMPLETE),))
                return None
            try:
                answer = await self._calendars.busy_times(link.id, grant, link.check_calendar_ids, window)
            except ProviderFailureError as failure:
                self._failures.meet(link, (failure.finding,))
                return None
        if answer.failed:
            self._failures.meet(link, answer.failed)
            return None
        return answer.busy


def _any_failed(links: Sequence[CalendarLink]) -> bool:
    return any(each.state is LinkState.FAILED for each in links)


def _member_time(account_id: str, links: Sequence[CalendarLink], times: Mapping[str, Busy | None]) -> MemberTime:
    known = [busy for link in links if (busy := times.get(link.id)) is not None]
    return MemberTime(account_id, _together(known) if len(known) == len(links) else None)


def concerned_links(links: Sequence[CalendarLink]) -> list[CalendarLink]:
    """Answer the links whose calendars say when an account is busy."""
    return [each for each in links if each.check_calendar_ids and each.state is not LinkState.STOPPED]


def _together(times: Sequence[tuple[Interval, ...]]) -> tuple[Interval, ...]:
    return times[0] if len(times) == 1 else tuple(merged(busy for each in times for busy in each))
