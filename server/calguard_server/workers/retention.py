"""Drops what is past keeping: changes of the log, answers of repeated requests, attempts at linking, old notices."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """Changes are kept that long, and at least so many of them; answers that long, and notices.

    Notices are dropped `part` at a time, so that nobody waits for the writer for long.
    """

    watch_retention: timedelta = timedelta(hours=24)
    keep_revisions: int = 1000
    request_retention: timedelta = timedelta(hours=24)
    notice_retention: timedelta = timedelta(days=90)
    part: int = 2000
    interval: timedelta = timedelta(minutes=10)


class Retention:
    """Runs until it is cancelled."""

    def __init__(self, store: Store, clock: Clock, options: RetentionOptions) -> None:
        self._store = store
        self._clock = clock
        self._options = options

    async def run(self) -> None:
        """Drop what is past keeping, from time to time."""
        while True:
            await self._clock.sleep(self._options.interval)
            _log.debug("dropped what is past keeping", rows=await self.drop())

    async def drop(self) -> int:
        """Drop what is past keeping now; answers how many rows."""
        now = self._clock.now()
        dropped = await self._store.prune(
            now - self._options.watch_retention,
            now - self._options.request_retention,
            self._options.keep_revisions,
        )
        return dropped + await self._prune_ledger(now - self._options.notice_retention)

    async def _prune_ledger(self, before: datetime) -> int:
        dropped = 0
        while part := await self._store.prune_ledger(before, self._options.part):
            dropped += part
        return dropped
