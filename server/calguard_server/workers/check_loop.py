"""Checks links as they fall due, so many at a time.

1. There are two loops: one for the links that fail just now, one for all others. Links that hang or fail, however many,
   take no place from the checks of the others.
2. The links due are read from an indexed column, a few for each worker at a time; a link is left out until its outcome,
   or its times, are saved. The times of checks that changed nothing are saved together.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from calguard_server.engine.checks import CheckResult, Checks
from calguard_server.engine.ports.checks import CheckTimes, DueLink
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.workers.check_pace import CheckPace
from calguard_server.workers.doorbell import Doorbell

_log = structlog.get_logger()

CheckObserver = Callable[[str, float], None]
"""Told the named reason of each check's decision, and how many seconds the check took."""

_SAVE_AT = 256
"""How many finished checks are saved at the latest, so that those left out of a reading stay few."""

_READ_AHEAD = 4
"""How many due links are read at once for each worker: more wait longer, on what was read; fewer cost more each."""

_SHORTEST_PAUSE = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True)
class CheckLoopOptions:
    """Which links, and how many at a time; how long after a failure of our own a check is tried again."""

    failing: bool = False
    concurrency: int = 32
    poll_interval: timedelta = timedelta(seconds=1)
    retry_after_error: timedelta = timedelta(seconds=15)


class CheckLoop:
    """Runs until it is cancelled."""

    def __init__(
        self,
        store: Store,
        checks: Checks,
        clock: Clock,
        pace: CheckPace,
        options: CheckLoopOptions,
        observe: CheckObserver,
        tracer: Tracer = UNTRACED,
    ) -> None:
        self._store = store
        self._checks = checks
        self._clock = clock
        self._pace = pace
        self._options = options
        self._observe = observe
        self._tracer = tracer
        self._bell = Doorbell(clock)
        self._queue: asyncio.Queue[DueLink] = asyncio.Queue(options.concurrency * _READ_AHEAD)
        self._taken: set[str] = set()
        self._finished: dict[str, CheckTimes | None] = {}
        self._saved: datetime = clock.now()

    async def run(self) -> None:
        """Check what is due, as it falls due."""
        workers = [asyncio.create_task(self._work(), name="check") for _ in range(self._options.concurrency)]
        try:
            while True:
                await self._bell.wait(await self._feed())
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)

    async def _feed(self) -> timedelta:
        """Hand out what is due and allowed, save what is done; answers how long nothing more is to do."""
        while True:
            await self._save_times()
            now = self._clock.now()
            wanted = min(self._queue.maxsize, await self._pace.allowance(now))
            due = await self._due(now, wanted) if wanted else []
            self._pace.spend(len(due))
            for each in due:
                self._taken.add(each.link.id)
                await self._queue.put(each)
            if len(due) < wanted and not self._all_finished():
                return self._options.poll_interval
            if not wanted:
                return max(min(self._pace.until_next(), self._options.poll_interval), _SHORTEST_PAUSE)

    async def _due(self, now: datetime, limit: int) -> list[DueLink]:
        return await self._store.due_links(now, limit, self._taken, failing=self._options.failing)

    async def _work(self) -> None:
        while True:
            due = await self._queue.get()
            self._finished[due.link.id] = await self._check(due)
            if self._all_finished() or len(self._finished) == _SAVE_AT:
                self._bell.ring()

    async def _check(self, due: DueLink) -> CheckTimes | None:
        began = self._clock.timer()
        try:
            with self._tracer.span("check", {"calguard.calendar_link_id": due.link.id}) as span:
                result = await self._checks.check(due)
                span.tell({"calguard.reason": result.reason.value if result else ""})
            return self._observed(result, self._clock.timer() - began)
        except Exception:  # noqa: BLE001 - one link's trouble must not end the checks of all others; it is logged
            _log.exception("check broke off", calendar_link_id=due.link.id)
            return self._later(due)

    def _observed(self, result: CheckResult | None, seconds: float) -> CheckTimes | None:
        if result is None:
            return None
        self._observe(result.reason.value, seconds)
        return result.times

    def _later(self, due: DueLink) -> CheckTimes:
        """Put a link off whose check broke off for a reason of our own, so that it does not come up at once."""
        now, link = self._clock.now(), due.link
        return CheckTimes(
            link.id,
            link.evidence,
            link.last_check_time or now,
            now + self._options.retry_after_error,
            link.consecutive_failures,
            link.failing_since,
            link.quota_exhausted_since,
        )

    def _all_finished(self) -> bool:
        return bool(self._taken) and len(self._finished) == len(self._taken)

    async def _save_times(self) -> None:
        """Save what is done: when it is much, when nothing is under way, and else at every poll."""
        now = self._clock.now()
        soon = now - self._saved < self._options.poll_interval
        if soon and len(self._finished) < _SAVE_AT and not self._all_finished():
            return
        finished, self._finished = self._finished, {}
        times = [each for each in finished.values() if each is not None]
        if times:
            await self._store.record_checks(times)
        self._taken -= finished.keys()
        self._saved = now
