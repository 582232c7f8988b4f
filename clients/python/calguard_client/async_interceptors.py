"""The one door by which calls of asyncio leave, and by which their errors come back."""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc.aio

from calguard_client.errors import error_of
from calguard_client.outgoing import Outgoing, no_token

Continuation = Callable[[Any, Any], Awaitable[Any]]


class _Door:
    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    async def _details(self, given: grpc.aio.ClientCallDetails, deadline: float | None) -> grpc.aio.ClientCallDetails:
        pairs = [(key, str(value)) for key, value in given.metadata or ()]
        metadata = grpc.aio.Metadata(*self._outgoing.metadata(pairs, await self._token()))
        return grpc.aio.ClientCallDetails(given.method, deadline, metadata, given.credentials, given.wait_for_ready)

    async def _token(self) -> str:
        token = self._outgoing.token
        if isinstance(token, str):
            return token
        try:
            answer = token()
            return await answer if inspect.isawaitable(answer) else answer
        except Exception as error:
            raise no_token(error) from error


class AsyncCallInterceptor(_Door, grpc.aio.UnaryUnaryClientInterceptor):
    """Gives calls what they need, and raises this library's errors."""

    async def intercept_unary_unary(
        self,
        continuation: Continuation,
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,  # noqa: ANN401 - a request of any method
    ) -> Any:  # noqa: ANN401 - and its answer
        """Make a call that has one answer."""
        deadline = self._outgoing.deadline(client_call_details.timeout)
        details = await self._details(client_call_details, deadline)
        call = await continuation(details, self._outgoing.repeatable(request))
        try:
            await call
        except grpc.aio.AioRpcError as error:
            raise error_of(error) from error
        return call


class AsyncStreamInterceptor(_Door, grpc.aio.UnaryStreamClientInterceptor):
    """Gives streams what they need, and raises this library's errors."""

    async def intercept_unary_stream(
        self,
        continuation: Continuation,
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,  # noqa: ANN401 - a request of any method
    ) -> AsyncIterator[Any]:
        """Open a stream."""
        details = await self._details(client_call_details, client_call_details.timeout)
        return _messages(await continuation(details, request))


async def _messages(call: AsyncIterator[Any]) -> AsyncIterator[Any]:
    try:
        async for message in call:
            yield message
    except grpc.aio.AioRpcError as error:
        raise error_of(error) from error
