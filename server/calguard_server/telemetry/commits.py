"""What `/metrics` shows of the store's commits."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Histogram

from calguard_server.domain.events import Change
from calguard_server.telemetry.changes import log_changes

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


class CommitMetrics:
    """Times commits, and counts what goes into each."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "calguard_store_commit_duration_seconds",
            "How long a group of changes took to be read, decided and saved durably.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._sizes = Histogram(
            "calguard_store_commit_size",
            "How many pieces of work went into one commit.",
            buckets=_SIZES,
            registry=registry,
        )

    def committed(self, size: int, seconds: float, changes: Sequence[Change]) -> None:
        """Take note of a commit, and log which pages it stopped or started."""
        self._seconds.observe(seconds)
        self._sizes.observe(size)
        log_changes(changes)
