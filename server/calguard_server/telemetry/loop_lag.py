"""How late the event loop is: what keeps it busy keeps every call, check and stream waiting."""

from datetime import timedelta

from prometheus_client import CollectorRegistry, Histogram

from calguard_server.engine.ports.clock import Clock

_EVERY = timedelta(milliseconds=500)
_SECONDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


class LoopLag:
    """Measures by sleeping, and by how much later than asked it wakes."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._lag = Histogram(
            "calguard_event_loop_lag_seconds",
            "How much later than it asked for a waiting task was woken, sampled twice a second.",
            buckets=_SECONDS,
            registry=registry,
        )

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            asked = self._clock.timer() + _EVERY.total_seconds()
            await self._clock.sleep(_EVERY)
            self._lag.observe(max(self._clock.timer() - asked, 0.0))
