"""One line of the log a call, when it ends.

Calls that succeed are at DEBUG, refusals at INFO, the rest at ERROR. A line never holds a request's contents.

Those who are not let in may be refused without end. So that they do not fill the disk, lines of such refusals come one
a second after the first of them; each says how many were left out before it. `observe` is told of every one.
"""

import logging
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import grpc
import structlog

from calguard_server.grpc_api.gate import GUARDED
from calguard_server.grpc_api.token_buckets import TokenBuckets

_log = structlog.get_logger(__name__)

CallObserver = Callable[[str, str, float | None], None]
"""Told each call's method and status code when it ends, and how many seconds it took; None where it was a stream."""

ADMITTED = (GUARDED, "/grpc.reflection.")
"""Calls of which count for their callers' rate; those of health do not: a load balancer's are free."""

_LEVEL_OF: dict[grpc.StatusCode | None, int] = {
    grpc.StatusCode.OK: logging.DEBUG,
    grpc.StatusCode.INTERNAL: logging.ERROR,
}

_NOT_LET_IN = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}
_LINES_A_SECOND, _LINES_AT_ONCE = 1, 100


class Call(NamedTuple):
    """A call under way: its method, when it began, and whether how long it takes says something about this server."""

    method: str
    began: float
    timed: bool


def unobserved(_method: str, _code: str, _seconds: float | None) -> None:
    """Tell nobody."""


class CallLog:
    """Tells of the calls of one server. `timer` answers seconds that only grow."""

    def __init__(self, timer: Callable[[], float], observe: CallObserver = unobserved) -> None:
        self._timer = timer
        self._observe = observe
        self._lines = TokenBuckets(_LINES_A_SECOND, _LINES_AT_ONCE, timer)
        self._left_out: Counter[str] = Counter()
        self._log: structlog.typing.FilteringBoundLogger = _log.bind()

    def begin(self, method: str, *, timed: bool) -> Call:
        """Note that a call begins; `timed`: unless it is a stream."""
        return Call(method, self._timer(), timed)

    def end(self, call: Call, code: grpc.StatusCode | None, **more: object) -> None:
        """Tell of a call that ended, with what else there is to say of it."""
        took, name = self._timer() - call.began, (code or grpc.StatusCode.UNKNOWN).name
        self._observe(call.method, name, took if call.timed else None)
        level = _level_of(call, code)
        if not self._log.is_enabled_for(level):
            return
        if code in _NOT_LET_IN:
            if self._lines.take(name):
                self._left_out[name] += 1
                return
            if left_out := self._left_out.pop(name, 0):
                more["left_out"] = left_out
        self._log.log(level, "call", method=call.method, code=name, duration_ms=round(took * 1000, 3), **more)


def _level_of(call: Call, code: grpc.StatusCode | None) -> int:
    refused = logging.INFO if call.method.startswith(ADMITTED) else logging.DEBUG  # anybody may call the others
    return _LEVEL_OF.get(code, refused)
