"""Waiting for something to do, or for a time."""

import asyncio
from datetime import timedelta

from calguard_server.engine.ports import Clock


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
        ring = asyncio.ensure_future(self._rung.wait())
        timer = asyncio.ensure_future(self._clock.sleep(at_most))
        try:
            await asyncio.wait((ring, timer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            ring.cancel()
            timer.cancel()
        self._rung.clear()
