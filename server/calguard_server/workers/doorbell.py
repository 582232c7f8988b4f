"""A worker's doorbell."""

import asyncio
from datetime import timedelta

from calguard_server.engine.ports import Clock
from calguard_server.engine.waiting import first_of


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
