"""The one door by which errors leave, and one line of the log a call.

1. A request that cannot be decoded is INVALID_ARGUMENT: left to grpc it would be INTERNAL, with a library's own text.
   So requests come in as bytes and are decoded here.
2. What the domain refuses gets its status from the table. What was done before answers what it answered then: the
   bytes that were kept, which is why the answers of unary calls are encoded here. A handler may answer such bytes too.
3. Anything else is INTERNAL with an id; the log has the traceback under that id, the answer has nothing of it.
4. A cancelled call stays cancelled: swallowing CancelledError would leak the call.

The log never holds a request's contents. Calls that succeed are logged at DEBUG, refusals at INFO, the rest at ERROR.
"""

import asyncio
import inspect
import logging
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Never

import grpc
import grpc.aio
import structlog
from google.protobuf.message import DecodeError

from calguard_server.domain.errors import CalguardError, InvalidArgumentError
from calguard_server.engine.working_set import ReplayedError
from calguard_server.grpc_api.errors import DETAILS_KEY, Refusal, internal_refusal, refusal_of
from calguard_server.grpc_api.gate import GUARDED, Gate

_log = structlog.get_logger(__name__)

if TYPE_CHECKING:  # generic in the stubs only
    Handler = grpc.RpcMethodHandler[Any, Any]
    Context = grpc.aio.ServicerContext[Any, Any]
else:
    Handler, Context = grpc.RpcMethodHandler, grpc.aio.ServicerContext
_ENDS = (Exception, asyncio.CancelledError)
"""What ends a call: whatever it is, nothing of it may reach the caller but by `_end`."""


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler. `timer` answers seconds that only grow; `new_error_id` makes ids for the log.

    It is the innermost interceptor: it asks for a method's handler once, and wraps it once. Calls of our services are
    let in by `admit`, which may raise a refusal, and pass the `gate`. A stream that writes by itself does not: it lasts
    until it is ended, and ends by itself when the server drains.
    """

    def __init__(
        self,
        timer: Callable[[], float] = time.perf_counter,
        new_error_id: Callable[[], str] = lambda: secrets.token_hex(8),
        gate: Gate | None = None,
        admit: Callable[[Context], None] = lambda _context: None,
    ) -> None:
        self._timer = timer
        self._new_error_id = new_error_id
        self._gate = gate or Gate()
        self._admit = admit
        self._log: structlog.typing.FilteringBoundLogger = _log.bind()
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Answer the wrapped handler; None, which is UNIMPLEMENTED, where nothing serves the method."""
        method = handler_call_details.method
        wrapped = self._wrapped.get(method)
        if wrapped is None and (handler := await continuation(handler_call_details)) is not None:
            wrapped = self._wrapped[method] = self.guard(method, handler)
        return wrapped

    def guard(self, method: str, handler: Handler) -> Handler:
        """Answer the handler, wrapped: what it raises leaves as a refusal, and its calls are logged."""
        return (self._wrap_stream if handler.response_streaming else self._wrap_unary)(method, handler)

    def _wrap_unary(self, method: str, handler: Handler) -> Handler:
        behaviour: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
        decode, encode = _decoder_of(handler), handler.response_serializer
        if behaviour is None or encode is None:
            return handler

        passage, admit = self._gate.passage(method), self._admit_for(method)

        async def guarded(request: Any, context: Context) -> bytes:  # noqa: ANN401 - whatever the method takes
            began = self._timer()
            try:
                admit(context)
                with passage:
                    answered = await behaviour(decode(request), context)
                    if type(answered) is not bytes:  # else it was kept encoded
                        answered = encode(answered)
            except _ENDS as error:
                return await self._end(method, began, context, error)
            self._record(method, began, grpc.StatusCode.OK)
            return answered

        make: Any = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        wrapped: Handler = make(guarded)
        return wrapped

    def _wrap_stream(self, method: str, handler: Handler) -> Handler:
        behaviour: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
        if behaviour is None:
            return handler
        decode = _decoder_of(handler)
        writes_itself = inspect.iscoroutinefunction(behaviour)

        passage, admit = self._gate.passage(method), self._admit_for(method)

        async def answer(request: Any, context: Context) -> None:  # noqa: ANN401 - whatever the method takes
            admit(context)
            if writes_itself:
                await behaviour(decode(request), context)
                return
            with passage:
                async with aclosing(behaviour(decode(request), context)) as messages:
                    async for message in messages:
                        await context.write(message)

        async def guarded(request: Any, context: Context) -> None:  # noqa: ANN401 - whatever the method takes
            began = self._timer()
            try:
                await answer(request, context)
            except _ENDS as error:
                await self._end(method, began, context, error)
            else:
                self._record(method, began, grpc.StatusCode.OK)

        make: Any = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        wrapped: Handler = make(guarded, response_serializer=handler.response_serializer)
        return wrapped

    def _admit_for(self, method: str) -> Callable[[Context], None]:
        return self._admit if method.startswith(GUARDED) else lambda _context: None

    async def _end(self, method: str, began: float, context: Context, error: BaseException) -> bytes:
        """End a call by what its handler raised; answer what was answered before where it was a repetition."""
        match error:
            case ReplayedError():
                self._record(method, began, grpc.StatusCode.OK, replayed=True)
                return error.answer
            case CalguardError():
                refusal = refusal_of(error)
                self._record(method, began, refusal.code, reason=error.reason)
            case asyncio.CancelledError():
                self._record(method, began, grpc.StatusCode.CANCELLED)
                raise error
            case grpc.aio.AbortError():  # one of grpc's own handlers has answered already, with its own status
                self._record(method, began, None)
                raise error
            case _ if context.done():  # the caller went away meanwhile, and grpc says so in many ways
                self._record(method, began, grpc.StatusCode.CANCELLED)
                return b""
            case _:
                error_id = self._new_error_id()
                self._record(method, began, grpc.StatusCode.INTERNAL, error_id=error_id, exc_info=error)
                refusal = internal_refusal(error_id)
        return await _abort(context, refusal)

    def _record(self, method: str, began: float, code: grpc.StatusCode | None, **more: object) -> None:
        level = _LEVEL_OF.get(code, logging.INFO)
        if self._log.is_enabled_for(level):
            took = round((self._timer() - began) * 1000, 3)
            name = "ABORTED_BY_HANDLER" if code is None else code.name
            self._log.log(level, "call", method=method, code=name, duration_ms=took, **more)


_LEVEL_OF: dict[grpc.StatusCode | None, int] = {
    grpc.StatusCode.OK: logging.DEBUG,
    grpc.StatusCode.INTERNAL: logging.ERROR,
}


def _decoder_of(handler: Handler) -> Callable[[Any], Any]:
    deserializer = handler.request_deserializer

    def decode(raw: bytes) -> Any:  # noqa: ANN401 - whatever the method takes
        if deserializer is None:
            return raw
        try:
            return deserializer(raw)
        except DecodeError:
            raise InvalidArgumentError(
                "REQUEST_UNREADABLE", "the request is not a message of this method's type: check it against the .proto"
            ) from None

    async def decode_all(stream: AsyncIterable[bytes]) -> AsyncIterator[Any]:
        async for raw in stream:
            yield decode(raw)

    return decode_all if handler.request_streaming else decode


async def _abort(context: Context, refusal: Refusal) -> Never:
    await context.abort(refusal.code, refusal.text, ((DETAILS_KEY, refusal.details),))
