"""A worker's doorbell."""

import asyncio
from datetime import datetime, timedelta

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.waiting import first_of

_LEAST = timedelta(milliseconds=5)


class Doorbell:
    """Lets a worker wait until somebody rings, or until a time has passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the worker; a ring that nobody waits for is kept."""
        self._rung.set()

    async def wait(self, at_most: timedelta) -> None:
        """Return when somebody rings, or after that much time."""
        await first_of(self._rung.wait(), self._clock.sleep(at_most))
        self._rung.clear()

    async def wait_for(self, due: datetime | None, now: datetime, poll_interval: timedelta) -> None:
        """Return when somebody rings, when something is due, or after the poll interval.

        What is due already could not be taken just now: whoever makes room for it rings.
        """
        at_most = poll_interval
        if due is not None and due > now:
            at_most = max(min(due - now, poll_interval), _LEAST)
        await self.wait(at_most)
