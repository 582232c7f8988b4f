"""Adds appointments to calendars, and removes them: what is due, one at a time an account, so many accounts at a time.

What is due is read from the store, which is the queue. A claim is saved before anything is sent; when the process dies
meanwhile, the entry is due again when the claim ends, and what is sent again is there once.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from calguard_server.engine.entries import Entries
from calguard_server.engine.ports import Clock, DueEntry, Store
from calguard_server.workers.doorbell import Doorbell

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class EntryLoopOptions:
    """How many accounts' entries are worked on at a time; `poll_interval` bounds how late one is noticed.

    After work that broke off for a reason of our own, its account is left alone for `pause_after_error`.
    """

    concurrency: int = 32
    poll_interval: timedelta = timedelta(seconds=1)
    pause_after_error: timedelta = timedelta(seconds=15)


class EntryLoop:
    """Runs until it is cancelled."""

    def __init__(self, store: Store, entries: Entries, clock: Clock, options: EntryLoopOptions) -> None:
        self._store = store
        self._entries = entries
        self._clock = clock
        self._options = options
        self._bell = Doorbell(clock)
        self._at_work: dict[str, asyncio.Task[None]] = {}

    def nudge(self) -> None:
        """Have a look soon: something may be due."""
        self._bell.ring()

    async def run(self) -> None:
        """Work on what is due, as it falls due."""
        try:
            while True:
                now, next_time = self._clock.now(), await self._store.next_entry_time()
                started = await self._start_due(now, next_time)
                if not started:
                    await self._bell.wait(self._pause(now, next_time))
        finally:
            await self._stop()

    async def _start_due(self, now: datetime, next_time: datetime | None) -> bool:
        free = self._options.concurrency - len(self._at_work)
        if next_time is None or next_time > now or free <= 0:
            return False
        due = await self._store.due_entries(now, free, self._at_work)
        for each in due:
            self._start(each)
        return bool(due)

    def _pause(self, now: datetime, next_time: datetime | None) -> timedelta:
        """How long to wait: until the next is due, at most the poll interval; what is at work rings when it is done."""
        if next_time is None or next_time <= now:
            return self._options.poll_interval
        return max(min(next_time - now, self._options.poll_interval), timedelta(milliseconds=5))

    def _start(self, due: DueEntry) -> None:
        task = asyncio.create_task(self._work(due), name="appointment entry")
        self._at_work[due.account_id] = task
        task.add_done_callback(lambda _: self._ended(due))

    def _ended(self, due: DueEntry) -> None:
        del self._at_work[due.account_id]
        self._bell.ring()

    async def _work(self, due: DueEntry) -> None:
        try:
            await self._entries.work(due)
        except Exception:  # noqa: BLE001 - one entry's trouble must not end the others'; it is logged
            _log.exception("work on an entry broke off", appointment_id=due.appointment_id)
            await self._clock.sleep(self._options.pause_after_error)

    async def _stop(self) -> None:
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
