"""Looks again and again whether a provider's incident is over, also when nothing is checked."""

from datetime import timedelta

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.provider_incidents import ProviderIncidents

_REVIEWS_A_WINDOW = 30


class IncidentReview:
    """Runs until it is cancelled."""

    def __init__(self, incidents: ProviderIncidents, clock: Clock, window: timedelta) -> None:
        self._incidents = incidents
        self._clock = clock
        self._pause = window / _REVIEWS_A_WINDOW

    async def run(self) -> None:
        """Review, many times a window."""
        while True:
            await self._incidents.review()
            await self._clock.sleep(self._pause)
