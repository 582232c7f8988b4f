"""What `/metrics` shows of what other services report."""

from prometheus_client import CollectorRegistry, Counter


class ReportMetrics:
    """Counts reports by what each was read as."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reported = Counter(
            "calguard_failure_reports",
            "Reports of other services that a calendar failed, by what each was read as.",
            ["reason"],
            registry=registry,
        )

    def reported(self, reason: str) -> None:
        """Take note of a report."""
        self._reported.labels(reason).inc()
