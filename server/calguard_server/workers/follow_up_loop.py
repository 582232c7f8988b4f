"""Follows up open incidents as their time comes."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from calguard_server.engine.follow_ups import FollowUps
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store


@dataclass(frozen=True, slots=True)
class FollowUpOptions:
    """`poll_interval` bounds how late an incident is followed up; `at_once` are taken side by side."""

    poll_interval: timedelta = timedelta(seconds=5)
    at_once: int = 200


class FollowUpLoop:
    """Runs until it is cancelled. `nudge` tells the delivery loop that something may be owed."""

    def __init__(
        self,
        store: Store,
        follow_ups: FollowUps,
        clock: Clock,
        nudge: Callable[[], None],
        options: FollowUpOptions,
    ) -> None:
        self._store = store
        self._follow_ups = follow_ups
        self._clock = clock
        self._nudge = nudge
        self._options = options

    async def run(self) -> None:
        """Follow up what is due, time and again."""
        while True:
            if not await self._look():
                await self._clock.sleep(self._options.poll_interval)

    async def _look(self) -> bool:
        """Follow up what is due now; answers whether more may be due."""
        due = await self._store.due_follow_ups(self._clock.now(), self._options.at_once)
        done = await asyncio.gather(*(self._follow_ups.follow_up(whose) for whose in due))
        if any(done):
            self._nudge()
        return any(done) and len(due) == self._options.at_once
