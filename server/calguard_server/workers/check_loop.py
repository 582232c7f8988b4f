"""Checks links as they fall due, so many at a time.

The links due are read from an indexed column. A link under check is left out until its outcome, or its times, are
saved; the times of checks that changed nothing are saved together. A check that hangs holds up nothing but its link.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.checks import CheckResult, Checks
from calguard_server.engine.ports import CheckTimes, Clock, Store
from calguard_server.workers.doorbell import Doorbell

_log = structlog.get_logger()

CheckObserver = Callable[[str], None]
"""Told the named reason of each check's decision."""


@dataclass(frozen=True, slots=True)
class CheckLoopOptions:
    """How many checks run at a time; how long after a failure of our own a check is tried again."""

    concurrency: int = 64
    poll_interval: timedelta = timedelta(seconds=1)
    retry_after_error: timedelta = timedelta(seconds=15)


class CheckLoop:
    """Runs until it is cancelled."""

    def __init__(
        self, store: Store, checks: Checks, clock: Clock, options: CheckLoopOptions, observe: CheckObserver
    ) -> None:
        self._store = store
        self._checks = checks
        self._clock = clock
        self._options = options
        self._observe = observe
        self._bell = Doorbell(clock)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._finished: dict[str, CheckTimes | None] = {}

    async def run(self) -> None:
        """Check what is due, as it falls due."""
        try:
            while True:
                started = await self._start_due()
                await self._save_times()
                if not started or len(self._running) >= self._options.concurrency:
                    await self._bell.wait(self._options.poll_interval)
        finally:
            await self._stop()

    async def _start_due(self) -> int:
        free = self._options.concurrency - len(self._running)
        if free <= 0:
            return 0
        busy = [*self._running, *self._finished]
        due = await self._store.due_links(self._clock.now(), free, busy)
        for link in due:
            self._running[link.id] = asyncio.create_task(self._check(link), name=f"check {link.id}")
        return len(due)

    async def _check(self, link: CalendarLink) -> None:
        times: CheckTimes | None = None
        try:
            result = await self._checks.check(link.id)
            times = self._observed(result)
        except Exception:  # noqa: BLE001 - one link's trouble must not end the checks of all others; it is logged
            _log.exception("check broke off", calendar_link_id=link.id)
            times = self._later(link)
        finally:
            self._finished[link.id] = times
            del self._running[link.id]
            self._bell.ring()

    def _observed(self, result: CheckResult | None) -> CheckTimes | None:
        if result is None:
            return None
        self._observe(result.reason.value)
        return result.times

    def _later(self, link: CalendarLink) -> CheckTimes:
        """Put a link off whose check broke off for a reason of our own, so that it does not come up at once."""
        now = self._clock.now()
        return CheckTimes(
            link.id,
            link.evidence,
            link.last_check_time or now,
            now + self._options.retry_after_error,
            link.consecutive_failures,
            link.failing_since,
            link.quota_exhausted_since,
        )

    async def _save_times(self) -> None:
        finished = dict(self._finished)
        times = [each for each in finished.values() if each is not None]
        if times:
            await self._store.record_checks(times)
        for link_id in finished:
            del self._finished[link_id]

    async def _stop(self) -> None:
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
