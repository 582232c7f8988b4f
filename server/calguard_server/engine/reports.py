"""Reports of other services: what they met with a link's calendars is a reason to check it, and never evidence.

Who reports once reports often: every booking that fails may. So the checks of one link that reports ask for begin at
least `spacing` apart, one at a time, and those who report meanwhile share the next one. It begins after all of them
have reported: nobody is answered by what was seen before.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from calguard_server.domain.causes import CauseReason
from calguard_server.domain.link import require_connected
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_link
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.provider import CalendarProvider

_log = structlog.get_logger()

NO_REASON = "NONE"
"""What a report that names no fault is counted under."""

ReportObserver = Callable[[str], None]
"""Told the name of the reason that each report was read as."""


class FailureReport(Struct, frozen=True):
    """What another service met: an HTTP status (0: not told), and a body or a reason. The body may hold secrets."""

    calendar_link_id: str
    http_status: int = 0
    body: str = ""
    reason: CauseReason | None = None

    def __repr__(self) -> str:
        return f"FailureReport({self.calendar_link_id}, {self.http_status}, {len(self.body)} characters, {self.reason})"


class ReportResult(Struct, frozen=True):
    """A link as its check left it, and what the report was read as; None where it named no fault."""

    link: CalendarLink
    read_as: CauseReason | None


class Reports:
    """Takes reports."""

    def __init__(
        self,
        context: Context,
        provider: CalendarProvider,
        checks: Checks,
        observe: ReportObserver = lambda _: None,
    ) -> None:
        self._context = context
        self._provider = provider
        self.spaced_checks = SpacedChecks(checks, context.clock, context.policies.report_spacing)
        self._observe = observe

    async def report(self, report: FailureReport) -> ReportResult:
        """Have a link checked, and answer when the outcome is committed; one that is RATE_LIMITED waits for its time.

        Raises NotFoundError, FailedPreconditionError `CALENDAR_LINK_STOPPED`.
        """
        link_id = report.calendar_link_id
        known = found_link(await self._context.store.link(link_id), link_id)
        require_connected(known)
        read_as = report.reason or self._provider.read_failure(report.http_status, report.body)
        name = read_as.value if read_as else NO_REASON
        self._observe(name)
        link = known if is_to_wait(known, self._context.clock.now()) else await self.spaced_checks.check(link_id)
        _log.info(
            "failure reported",
            calendar_link_id=link_id,
            http_status=report.http_status or None,
            read_as=name,
            state=link.state.value,
        )
        return ReportResult(link, read_as)


def is_to_wait(link: CalendarLink, now: datetime) -> bool:
    """Tell whether Google asked for fewer requests: then a failure is no reason to ask before it is time."""
    limited = link.cause is not None and link.cause.reason is CauseReason.RATE_LIMITED
    return limited and link.next_check_time is not None and link.next_check_time > now


class _NextCheck:
    """A check that has not begun, and how many wait for it."""

    task: "asyncio.Task[CalendarLink]"

    def __init__(self) -> None:
        self.askers = 0


class SpacedChecks:
    """Checks links, those of one link `spacing` apart and one at a time; who asks in between shares the next one."""

    def __init__(self, checks: Checks, clock: Clock, spacing: timedelta) -> None:
        self._checks = checks
        self._clock = clock
        self._spacing = spacing
        self._turns = KeyedLocks()
        self._next: dict[str, _NextCheck] = {}
        self._begun: dict[str, datetime] = {}

    async def check(self, link_id: str) -> CalendarLink:
        """Answer the link as a check leaves it that begins after this call; one that all have given up is given up.

        Raises what `Checks.check_now` raises.
        """
        awaited = self._next.get(link_id)
        if awaited is None:
            awaited = self._next[link_id] = _NextCheck()
            awaited.task = asyncio.create_task(self._check_in_turn(link_id), name=f"check {link_id} as reported")
        awaited.askers += 1
        try:
            return await asyncio.shield(awaited.task)
        finally:
            awaited.askers -= 1
            if not awaited.askers:
                awaited.task.cancel()
                self._close(link_id, awaited)

    async def _check_in_turn(self, link_id: str) -> CalendarLink:
        async with self._turns.hold(link_id):
            await self._clock.sleep(self._time_left(link_id))
            self._close(link_id, self._next.get(link_id))
            self._begun.pop(link_id, None)
            self._begun[link_id] = self._clock.now()  # in the order of their times, the oldest first
            return await self._checks.check_now(link_id)

    def _close(self, link_id: str, awaited: _NextCheck | None) -> None:
        """Let nobody wait for a check any more: it begins, or nobody wants it."""
        if awaited is not None and self._next.get(link_id) is awaited:
            del self._next[link_id]

    def _time_left(self, link_id: str) -> timedelta:
        """Answer how long the link is to be left alone; never more than the spacing, whatever the clock does."""
        now = self._clock.now()
        while self._begun and now - next(iter(self._begun.values())) >= self._spacing:
            del self._begun[next(iter(self._begun))]
        begun = self._begun.get(link_id)
        return timedelta() if begun is None else min(self._spacing - (now - begun), self._spacing)
