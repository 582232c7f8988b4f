"""Notices that the time of day was set back, and ends the server: what waits for a time would wait for as long.

Much that is in memory goes by the time of day: pauses that others asked for, tokens that are still good, what was saved
when. A server that starts afresh has none of it, and brings forward what its database has put off too far.
"""

from datetime import timedelta

from calguard_server.engine.ports.clock import Clock

_PAUSE = timedelta(seconds=1)
_LEAST = timedelta(minutes=1)


class ClockSetBackError(Exception):
    """The time of day was set back while the server ran."""


class ClockReview:
    """Runs until it is cancelled, or the clock is set back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def run(self) -> None:
        """Compare the time of day with how much time has passed. Raises ClockSetBackError."""
        before, timer = self._clock.now(), self._clock.timer()
        while True:
            await self._clock.sleep(_PAUSE)
            now, then = self._clock.now(), self._clock.timer()
            lost = before + timedelta(seconds=then - timer) - now
            if lost >= _LEAST:
                raise ClockSetBackError(f"the clock was set back by {lost}: start the server again")
            before, timer = now, then
