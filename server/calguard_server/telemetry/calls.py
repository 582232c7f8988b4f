"""What `/metrics` shows of the calls that are served, under the names that gRPC servers commonly use.

A series that is first seen at 1 has not increased, as Prometheus reads it: what alerts look at begins at 0. All codes
of all methods would be a thousand series, of which most stay 0; other codes are shown once they were answered.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram

_FROM_THE_START = ("OK", "INTERNAL")
"""The codes that each method is shown with before any call has ended."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class CallMetrics:
    """Counts calls when they end. Streams are counted and not timed: they last as long as their caller likes."""

    def __init__(self, registry: CollectorRegistry, methods: Iterable[str] = ()) -> None:
        """Show `methods`, each `/service/method`, from the start."""
        self._handled = Counter(
            "grpc_server_handled",
            "Calls that have ended, by service, method and status code.",
            ["grpc_service", "grpc_method", "grpc_code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "grpc_server_handling_seconds",
            "How long unary calls took, from the request's arrival to the answer, by service and method.",
            ["grpc_service", "grpc_method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._shed = Counter(
            "calguard_calls_shed",
            "Calls that were refused, unseen, because calls waited too long; no other counts them.",
            registry=registry,
        )
        self._count_of: dict[tuple[str, str], Callable[[], None]] = {}
        self._time_of: dict[str, Callable[[float], None]] = {}
        for method in methods:
            for code in _FROM_THE_START:
                self._handled.labels(*_names(method), code)

    def ended(self, method: str, code: str, seconds: float | None) -> None:
        """Take note of a call's end; `seconds` is None where it was a stream. `method` is `/service/method`."""
        count = self._count_of.get((method, code))
        if count is None:
            count = self._count_of[method, code] = self._handled.labels(*_names(method), code).inc
        count()
        if seconds is None:
            return
        time = self._time_of.get(method)
        if time is None:
            time = self._time_of[method] = self._seconds.labels(*_names(method)).observe
        time(seconds)

    def shed(self) -> None:
        """Take note of a call that overload turned away."""
        self._shed.inc()


def _names(method: str) -> tuple[str, str]:
    service, _, name = method.removeprefix("/").rpartition("/")
    return service, name
