"""The one door by which errors leave.

1. A request that cannot be decoded is INVALID_ARGUMENT: left to grpc it would be INTERNAL, with a library's own text.
   So requests come in as bytes and are decoded here.
2. What the domain refuses gets its status from the table. What was done before answers what it answered then: the
   bytes that were kept, which is why the answers of unary calls are encoded here. A handler may answer such bytes too.
3. Anything else is INTERNAL with an id; the log has the traceback under that id, the answer has nothing of it.
4. A cancelled call stays cancelled: swallowing CancelledError would leak the call.
"""

import asyncio
import inspect
import secrets
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, aclosing
from typing import Any, Never, cast

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from calguard_server.domain.errors import CalguardError, InvalidArgumentError
from calguard_server.engine.requests import ReplayedError
from calguard_server.grpc_api.call_log import ADMITTED, Call, CallLog, CallObserver, unobserved
from calguard_server.grpc_api.errors import DETAILS_KEY, Refusal, internal_refusal, refusal_of
from calguard_server.grpc_api.gate import Gate
from calguard_server.grpc_api.handlers import Context, Handler
from calguard_server.grpc_api.request_id import Metadata, begin_call, metadata_of_call
from calguard_server.grpc_api.stream_context import StreamContext

CallTracer = Callable[[str, Metadata], AbstractContextManager[Callable[[str], None]]]
"""Opens the span of a call, by its method and metadata; what is entered is told the call's status code."""

_Guarded = Callable[[Any, Context], Awaitable[bytes]]

_ENDS = (Exception, asyncio.CancelledError)
"""What ends a call: whatever it is, nothing of it may reach the caller but by `_end`."""


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every handler. `timer` answers seconds that only grow; `new_error_id` makes ids for the log.

    `observe` is told of the end of each call; `trace` opens the spans of unary calls.

    It is the innermost interceptor: it asks for a method's handler once, and wraps it once. Calls of our services and
    of reflection are let in by `admit`, which may raise a refusal; those of our services pass the `gate`, too. A stream
    that writes by itself does not: it lasts until it is ended, and ends by itself when the server drains.
    """

    def __init__(
        self,
        timer: Callable[[], float] = time.perf_counter,
        new_error_id: Callable[[], str] = lambda: secrets.token_hex(8),
        gate: Gate | None = None,
        observe: CallObserver = unobserved,
        trace: CallTracer | None = None,
        admit: Callable[[Context], None] = lambda _context: None,
    ) -> None:
        self._log = CallLog(timer, observe)
        self._new_error_id = new_error_id
        self._gate = gate or Gate()
        self._trace = trace
        self._admit = admit
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Answer the wrapped handler; None, which is UNIMPLEMENTED, where nothing serves the method."""
        method = handler_call_details.method
        begin_call(handler_call_details.invocation_metadata)
        wrapped = self._wrapped.get(method)
        if wrapped is None and (handler := await continuation(handler_call_details)) is not None:
            wrapped = self._wrapped[method] = self.guard(method, handler)
        return wrapped

    def guard(self, method: str, handler: Handler) -> Handler:
        """Answer the handler, wrapped: what it raises leaves as a refusal, and its calls are logged."""
        return (self._wrap_stream if handler.response_streaming else self._wrap_unary)(method, handler)

    def refusing(self, method: str, error: Exception) -> Handler:
        """Answer a handler, wrapped, that raises an error, and waits for no request, of whatever kind the method is."""

        async def refuse(_requests: object, _context: object) -> Never:
            raise error

        return self.guard(method, grpc.stream_unary_rpc_method_handler(refuse, response_serializer=bytes))

    def _wrap_unary(self, method: str, handler: Handler) -> Handler:
        behaviour: Any = handler.stream_unary if handler.request_streaming else handler.unary_unary
        decode, encode = _decoder_of(handler), handler.response_serializer
        if behaviour is None or encode is None:
            return handler

        passage, admit = self._gate.passage(method), self._admit_for(method)

        async def guarded(request: Any, context: Context) -> bytes:  # noqa: ANN401 - whatever the method takes
            call = self._log.begin(method, timed=True)
            try:
                admit(context)
                with passage:
                    answered = await behaviour(decode(request), context)
                    if type(answered) is not bytes:  # else it was kept encoded
                        answered = encode(answered)
            except _ENDS as error:
                return await self._end(call, context, error)
            self._log.end(call, grpc.StatusCode.OK)
            return answered

        make: Any = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        wrapped: Handler = make(guarded if self._trace is None else _traced(method, guarded, self._trace))
        return wrapped

    def _wrap_stream(self, method: str, handler: Handler) -> Handler:
        behaviour: Any = handler.stream_stream if handler.request_streaming else handler.unary_stream
        if behaviour is None:
            return handler
        decode, admit = _decoder_of(handler), self._admit_for(method)
        passage = self._gate.passage(method)

        async def write_all(request: Any, context: Context) -> None:  # noqa: ANN401 - whatever the method takes
            with passage:
                async with aclosing(behaviour(request, context)) as messages:
                    async for message in messages:
                        await context.write(message)

        answer: Any = behaviour if inspect.iscoroutinefunction(behaviour) else write_all

        async def guarded(request: Any, context: Context) -> None:  # noqa: ANN401 - whatever the method takes
            call = self._log.begin(method, timed=False)
            try:
                admit(context)
                await answer(decode(request), cast("Context", StreamContext(context)))
            except _ENDS as error:
                await self._end(call, context, error)
            else:
                self._log.end(call, grpc.StatusCode.OK)

        make: Any = (
            grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
        )
        wrapped: Handler = make(guarded, response_serializer=handler.response_serializer)
        return wrapped

    def _admit_for(self, method: str) -> Callable[[Context], None]:
        return self._admit if method.startswith(ADMITTED) else lambda _context: None

    async def _end(self, call: Call, context: Context, error: BaseException) -> bytes:
        """End a call by what its handler raised; answer what was answered before where it was a repetition."""
        match error:
            case ReplayedError():
                self._log.end(call, grpc.StatusCode.OK, replayed=True)
                return error.answer
            case CalguardError():
                refusal = refusal_of(error)
                self._log.end(call, refusal.code, reason=error.reason)
            case asyncio.CancelledError():
                self._log.end(call, grpc.StatusCode.CANCELLED)
                raise error
            case grpc.aio.AbortError():  # one of grpc's own handlers has answered already, with its own status
                self._log.end(call, _CODES.get(context.code()))
                raise error
            case _ if context.done():  # the caller went away meanwhile, and grpc says so in many ways
                self._log.end(call, grpc.StatusCode.CANCELLED)
                return b""
            case _:
                error_id = self._new_error_id()
                self._log.end(call, grpc.StatusCode.INTERNAL, error_id=error_id, exc_info=error)
                refusal = internal_refusal(error_id)
        return await _abort(context, refusal)


def _traced(method: str, guarded: _Guarded, trace: CallTracer) -> _Guarded:
    async def traced(request: Any, context: Context) -> bytes:  # noqa: ANN401 - whatever the method takes
        with trace(method, metadata_of_call()) as told:
            try:
                return await guarded(request, context)
            finally:
                told(_code_of(context))

    return traced


def _code_of(context: Context) -> str:
    """Name the status that a call is answered with; grpc answers a number, whatever its types say."""
    return _CODES.get(context.code(), grpc.StatusCode.OK).name


_CODES: dict[object, grpc.StatusCode] = {key: code for code in grpc.StatusCode for key in (code, code.value[0])}


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
