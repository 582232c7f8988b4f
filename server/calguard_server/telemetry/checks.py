"""What `/metrics` shows of checks as they are made."""

from prometheus_client import CollectorRegistry, Counter, Histogram

from calguard_server.domain.link_verdict import LinkReason

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30, 60)


class CheckMetrics:
    """Counts and times the checks that fall due; those that somebody asked for are calls, and counted as such."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._checked = Counter(
            "calguard_checks",
            "Checks of calendar links, by the reason of their decision.",
            ["reason"],
            registry=registry,
        )
        self._seconds = Histogram(
            "calguard_check_duration_seconds",
            "How long checks of calendar links took, Google's answers and the saved outcome included.",
            buckets=_SECONDS,
            registry=registry,
        )
        for reason in LinkReason:  # the first of its kind is an increase
            self._checked.labels(reason.value)

    def checked(self, reason: str, seconds: float) -> None:
        """Take note of a check."""
        self._checked.labels(reason).inc()
        self._seconds.observe(seconds)
