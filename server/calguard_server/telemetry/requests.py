"""What `/metrics` shows of the requests to Google."""

from prometheus_client import CollectorRegistry, Histogram

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30)


class RequestMetrics:
    """Counts and times requests by what was answered: a status, or why there was none."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "calguard_google_request_duration_seconds",
            "How long requests to Google took, by the status answered, or by why no answer came.",
            ["outcome"],
            buckets=_SECONDS,
            registry=registry,
        )

    def answered(self, outcome: str, seconds: float) -> None:
        """Take note of a request."""
        self._seconds.labels(outcome).observe(seconds)
