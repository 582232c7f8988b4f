"""Works on what is due of accounts: one thing at a time an account, so many accounts at a time.

What is due is read from the store, which is the queue: what was not finished when the process died is due again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

import structlog

from calguard_server.engine.ports.clock import Clock
from calguard_server.workers.doorbell import Doorbell

_log = structlog.get_logger()


class OfAccount(Protocol):
    """Something that is due of an account."""

    @property
    def account_id(self) -> str:
        """The account."""
        ...


D = TypeVar("D", bound=OfAccount)


@dataclass(frozen=True, slots=True)
class AccountQueue(Generic[D]):
    """Where it is read what is due: when the next is, and what is by a time, at most so many, besides some accounts."""

    next_time: Callable[[], Awaitable[datetime | None]]
    due: Callable[[datetime, int, Collection[str]], Awaitable[Sequence[D]]]


@dataclass(frozen=True, slots=True)
class AccountLoopOptions:
    """How many accounts are worked on at a time; `poll_interval` bounds how late something is noticed.

    After work that broke off for a reason of our own, its account is left alone for `pause_after_error`.
    """

    concurrency: int = 32
    poll_interval: timedelta = timedelta(seconds=1)
    pause_after_error: timedelta = timedelta(seconds=15)


class AccountLoop(Generic[D]):
    """Runs until it is cancelled. `name` says what it works on."""

    def __init__(
        self,
        name: str,
        queue: AccountQueue[D],
        work: Callable[[D], Awaitable[None]],
        clock: Clock,
        options: AccountLoopOptions,
    ) -> None:
        self._name = name
        self._queue = queue
        self._do = work
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
                now, next_time = self._clock.now(), await self._queue.next_time()
                started = await self._start_due(now, next_time)
                if not started:
                    await self._bell.wait_for(next_time, now, self._options.poll_interval)
        finally:
            await self._stop()

    async def _start_due(self, now: datetime, next_time: datetime | None) -> bool:
        free = self._options.concurrency - len(self._at_work)
        if next_time is None or next_time > now or free <= 0:
            return False
        due = await self._queue.due(now, free, self._at_work)
        for each in due:
            self._start(each)
        return bool(due)

    def _start(self, due: D) -> None:
        task = asyncio.create_task(self._work(due), name=self._name)
        self._at_work[due.account_id] = task
        task.add_done_callback(lambda _: self._ended(due))

    def _ended(self, due: D) -> None:
        del self._at_work[due.account_id]
        self._bell.ring()

    async def _work(self, due: D) -> None:
        try:
            await self._do(due)
        except Exception:  # noqa: BLE001 - one account's trouble must not end the others'; it is logged
            _log.exception("work broke off", work=self._name, account_id=due.account_id)
            await self._clock.sleep(self._options.pause_after_error)

    async def _stop(self) -> None:
        tasks = list(self._at_work.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
