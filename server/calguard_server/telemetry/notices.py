"""What `/metrics` shows of notices: how long the oldest waits that is still to be sent, and what came of attempts."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from calguard_server.domain.delivery import AttemptOutcome
from calguard_server.domain.notices import Channel
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store


class NoticeMetrics:
    """Counts attempts as they are made; the age is looked up when somebody asks."""

    def __init__(self, store: Store, clock: Clock, registry: CollectorRegistry) -> None:
        self._store = store
        self._clock = clock
        self._tried = Counter(
            "calguard_notification_attempts",
            "Messages that were tried to be sent, by channel and outcome.",
            ["channel", "outcome"],
            registry=registry,
        )
        self._oldest = Gauge(
            "calguard_notification_oldest_unsent_seconds",
            "How long the oldest notice has waited that is still to be sent, by channel; 0 where none waits.",
            ["channel"],
            registry=registry,
        )
        for channel in Channel:
            for outcome in AttemptOutcome:
                self._tried.labels(channel.value, outcome.value)

    def attempted(self, channel: Channel, outcome: AttemptOutcome) -> None:
        """Count a message that was tried."""
        self._tried.labels(channel.value, outcome.value).inc()

    async def look(self) -> None:
        """Find out how long the oldest notices wait."""
        waiting, now = await self._store.oldest_unsent(), self._clock.now()
        for channel in Channel:
            age = now - waiting.get(channel, now)
            self._oldest.labels(channel.value).set(max(age.total_seconds(), 0.0))
