"""Counting the events that are marked Free on a link's check calendars, one calendar after another."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from calguard_server.domain.diagnosis import CONCERNS_ONE_CALENDAR, FREE_EVENTS_WINDOW, CalendarResult, free_events_in
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.link_verdict import cause_of
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.engine.waiting import within

_UNREADABLE = "it cannot be read"


class FreeEventCount:
    """One counting; what it came to is kept, so that a limit loses nothing of it."""

    def __init__(self, provider: CalendarProvider, clock: Clock, link: CalendarLink, grant: Grant) -> None:
        self._provider = provider
        self._clock = clock
        self._link = link
        self._grant = grant
        self._results: dict[str, CalendarResult] = {}

    async def count(self, unreadable: frozenset[str], limit: timedelta) -> tuple[CalendarResult, ...]:
        """Count on each check calendar that is readable; what was not reached within the limit says so."""
        not_reached = ""
        try:
            await within(self._clock, limit, self._count_each(unreadable))
        except TimeoutError:
            not_reached = f"no answer from Google within {limit.total_seconds():g} s"
        ids = self._link.check_calendar_ids
        return tuple(self._results.get(each) or CalendarResult(each, note=not_reached) for each in ids)

    async def _count_each(self, unreadable: frozenset[str]) -> None:
        start, ids = self._clock.now(), self._link.check_calendar_ids
        for index, calendar_id in enumerate(ids):
            readable = calendar_id not in unreadable
            result = (
                await self._count(calendar_id, start) if readable else CalendarResult(calendar_id, note=_UNREADABLE)
            )
            self._results[calendar_id] = result
            if result.cause is not None and result.cause.reason not in CONCERNS_ONE_CALENDAR:
                self._results |= {each: replace(result, calendar_id=each) for each in ids[index + 1 :]}
                return

    async def _count(self, calendar_id: str, start: datetime) -> CalendarResult:
        end = start + FREE_EVENTS_WINDOW
        try:
            free = await self._provider.count_free_events(self._link.id, self._grant, calendar_id, start, end)
        except ProviderFailureError as failure:
            cause = cause_of(failure.finding, self._link.cause, self._clock.now())
            return CalendarResult(calendar_id, cause=cause)
        return free_events_in(calendar_id, free.count, free.access_role, more=free.more)
