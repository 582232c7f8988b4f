"""Failures that a use case meets with a link's calendars while it does something else.

Each is a signal to the link's machine, by way of an ordinary check, at once: what was met is a reason to look, and
never evidence. Nobody waits for the check; who met the failure goes on without those calendars.
"""

import asyncio
from collections.abc import Sequence

import structlog

from calguard_server.domain.causes import Finding
from calguard_server.domain.errors import CalguardError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.reports import SpacedChecks, is_to_wait

_log = structlog.get_logger()


class FailuresMet:
    """Has links checked that failed; those of one link share the check that has not begun."""

    def __init__(self, checks: SpacedChecks, clock: Clock) -> None:
        self._checks = checks
        self._clock = clock
        self._waiting: dict[str, asyncio.Task[None]] = {}

    def meet(self, link: CalendarLink, findings: Sequence[Finding]) -> None:
        """Have a link checked, unless a check that was asked for here has not ended; RATE_LIMITED waits its time."""
        _log.info(
            "calendars failed",
            calendar_link_id=link.id,
            account_id=link.account_id,
            reasons=sorted({each.reason.value for each in findings}),
        )
        if link.id not in self._waiting and not is_to_wait(link, self._clock.now()):
            task = self._waiting[link.id] = asyncio.create_task(self._check(link.id), name=link.id)
            task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Give up the checks that have not ended: the links are checked when they are due."""
        tasks = tuple(self._waiting.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        link_id = task.get_name()
        del self._waiting[link_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a check broke off", calendar_link_id=link_id, exc_info=error)

    async def _check(self, link_id: str) -> None:
        try:
            await self._checks.check(link_id)
        except CalguardError as refusal:  # the link is gone, or was disconnected meanwhile
            _log.info("not checked", calendar_link_id=link_id, reason=refusal.reason)
