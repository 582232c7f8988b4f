"""What `/metrics` shows of what other services report."""

from prometheus_client import CollectorRegistry, Counter

from calguard_server.domain.causes import CauseReason
from calguard_server.engine.reports import NO_REASON


class ReportMetrics:
    """Counts reports by what each was read as."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._reported = Counter(
            "calguard_failure_reports",
            "Reports of other services that a calendar failed, by what each was read as.",
            ["reason"],
            registry=registry,
        )
        for reason in (*CauseReason, NO_REASON):  # the first of its kind is an increase
            self._reported.labels(str(reason))

    def reported(self, reason: str) -> None:
        """Take note of a report."""
        self._reported.labels(reason).inc()
