"""Which lines the log has of calls that end."""

import grpc
import pytest
from structlog.testing import capture_logs

from calguard_server.grpc_api.call_log import CallLog

METHOD = "/calguard.v1.AccountService/GetAccount"
HEALTH = "/grpc.health.v1.Health/Check"


class Calls:
    """Ends calls, at a time that the test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.observed: list[tuple[str, str, float | None]] = []
        self._log = CallLog(lambda: self.seconds, lambda *told: self.observed.append(told))

    def end(self, code: str, count: int = 1, method: str = METHOD) -> list[tuple[str, int]]:
        """End calls; the level of each line, and how many it says were left out."""
        with capture_logs() as lines:
            for _ in range(count):
                self._log.end(self._log.begin(method, timed=True), grpc.StatusCode[code], reason="REASON")
        assert all((line["method"], line["code"], line["reason"]) == (method, code, "REASON") for line in lines)
        return [(line["log_level"], line.get("left_out", 0)) for line in lines]


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "UNAVAILABLE"])
def test_who_is_not_let_in_does_not_fill_the_log(code: str) -> None:
    """A hundred lines, then one a second, which tells of the others; each is counted, and no other code is held up."""
    calls = Calls()
    assert calls.end(code, 300) == [("info", 0)] * 100
    assert calls.end("NOT_FOUND", 300) == [("info", 0)] * 300
    calls.seconds = 1
    assert calls.end(code, 50) == [("info", 200)]
    calls.seconds = 3
    assert calls.end(code, 50) == [("info", 49), ("info", 0)]
    assert sum(observed == (METHOD, code, 0.0) for observed in calls.observed) == 400


@pytest.mark.parametrize(
    ("method", "levels"), [(METHOD, ["debug", "info", "error"]), (HEALTH, ["debug", "debug", "error"])]
)
def test_levels(method: str, levels: list[str]) -> None:
    """Anybody may call health, and be refused, so that is no line at INFO."""
    calls = Calls()
    assert [calls.end(code, method=method) for code in ("OK", "NOT_FOUND", "INTERNAL")] == [
        [(level, 0)] for level in levels
    ]
