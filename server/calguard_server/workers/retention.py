"""Drops what is past keeping: changes of the log, answers of repeated requests, attempts at linking."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from calguard_server.engine.ports import Clock, Store

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RetentionOptions:
    """Changes are kept that long, and at least so many of them; answers that long."""

    watch_retention: timedelta = timedelta(hours=24)
    keep_revisions: int = 1000
    request_retention: timedelta = timedelta(hours=24)
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
            now = self._clock.now()
            dropped = await self._store.prune(
                now - self._options.watch_retention,
                now - self._options.request_retention,
                self._options.keep_revisions,
            )
            _log.debug("dropped what is past keeping", rows=dropped)
