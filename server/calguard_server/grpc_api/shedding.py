"""Turns calls away while the server is overloaded, before anything of them is read and before it is known who calls.

Health and watches are let in: a load balancer must not take a server that is busy for one that is dead, and a watch
that is refused is opened again, which costs more than to serve it.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import structlog

from calguard_server.domain.errors import UnavailableError
from calguard_server.grpc_api.errors import DETAILS_KEY, RETRY_AFTER_SECONDS, refusal_of
from calguard_server.grpc_api.gate import GUARDED
from calguard_server.grpc_api.handlers import Handler
from calguard_server.grpc_api.overload import Overload, OverloadOptions
from calguard_server.grpc_api.queue_probe import QueueProbe

_log = structlog.get_logger(__name__)

_WATCH = "/calguard.v1.WatchService/"
_LOG_SECONDS = 1.0

REFUSAL = refusal_of(
    UnavailableError("OVERLOADED", "this server has more calls than it can serve: repeat the call later, or at another")
)

_TRAILER = ((DETAILS_KEY, REFUSAL.details), ("grpc-retry-pushback-ms", str(1000 * RETRY_AFTER_SECONDS)))
"""The latter is RetryInfo for clients that repeat calls by themselves: else they would be back within milliseconds."""


class SheddingInterceptor(grpc.aio.ServerInterceptor):
    """Stands before all others, and hands on to `inner`. `told` is called for each call that is turned away.

    What `inner` raises is nothing that anybody foresaw: `refusing` answers the handler by which it leaves.
    """

    def __init__(
        self,
        inner: grpc.aio.ServerInterceptor,
        refusing: Callable[[str, Exception], Handler],
        options: OverloadOptions,
        timer: Callable[[], float],
        told: Callable[[], None],
    ) -> None:
        self._inner = inner
        self._broken = refusing
        self._timer = timer
        self._told = told
        self._overload = Overload(options)
        self.probe = QueueProbe(self._overload, timer)
        self._refusing: Handler = grpc.stream_unary_rpc_method_handler(_refuse)
        self._refused = 0
        self._log_at = 0.0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Answer the method's handler, or one that refuses."""
        method = handler_call_details.method
        if method.startswith(GUARDED):
            self.probe.taken()
            if self._overload.refuses and not method.startswith(_WATCH):
                self._count()
                return self._refusing
        elif (probing := self.probe.arrived(method)) is not None:
            return probing
        try:
            return await self._inner.intercept_service(continuation, handler_call_details)
        except Exception as error:  # noqa: BLE001 - left to grpc, its text would go to the caller
            return self._broken(method, error)

    def _count(self) -> None:
        """Tell of a call that is turned away; in the log, of all within a second together."""
        self._told()
        self._refused += 1
        if (now := self._timer()) >= self._log_at:
            _log.warning("overloaded: calls are refused", calls=self._refused)
            self._refused, self._log_at = 0, now + _LOG_SECONDS


async def _refuse(_requests: object, context: Any) -> bytes:  # noqa: ANN401 - generic in the stubs only
    """Answer the refusal without raising it: `abort` takes a sixth longer."""
    context.set_trailing_metadata(_TRAILER)
    context.set_code(REFUSAL.code)
    context.set_details(REFUSAL.text)
    return b""
