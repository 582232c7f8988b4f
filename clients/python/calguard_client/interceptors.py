"""The one door by which synchronous calls leave, and by which their errors come back."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import grpc

from calguard_client.errors import error_of
from calguard_client.outgoing import Outgoing, Pairs, no_token

Continuation = Callable[[Any, Any], Any]


class _Details(grpc.ClientCallDetails):
    """What is changed of a call; gRPC takes the rest from the call as it was."""

    def __init__(self, timeout: float | None, metadata: Pairs) -> None:
        self.timeout = timeout
        self.metadata = tuple(metadata)


class _Answer:
    """A call under way, or a stream: what gRPC answers, with this library's errors."""

    def __init__(self, call: Any) -> None:  # noqa: ANN401 - one of several classes that gRPC does not name
        self._call = call

    def __getattr__(self, name: str) -> object:
        return getattr(self._call, name)

    def result(self, timeout: float | None = None) -> object:
        """Wait for the answer. Raises CalguardError."""
        try:
            return self._call.result(timeout)
        except grpc.RpcError as error:
            raise error_of(error) from error

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait for the end; answer how it failed."""
        error = self._call.exception(timeout)
        return error_of(error) if isinstance(error, grpc.RpcError) else error

    def __iter__(self) -> Iterator[object]:
        return self

    def __next__(self) -> object:
        try:
            return next(self._call)
        except grpc.RpcError as error:
            raise error_of(error) from error


class CallInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Gives calls what they need, and raises this library's errors."""

    def __init__(self, outgoing: Outgoing) -> None:
        self._outgoing = outgoing

    def intercept_unary_unary(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        """Make a call that has one answer."""
        deadline = self._outgoing.deadline(client_call_details.timeout)
        details = self._details(client_call_details, deadline)
        return _Answer(continuation(details, self._outgoing.repeatable(request)))

    def intercept_unary_stream(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        """Open a stream."""
        details = self._details(client_call_details, client_call_details.timeout)
        return _Answer(continuation(details, request))

    def _details(self, details: Any, timeout: float | None) -> _Details:  # noqa: ANN401 - gRPC's own class is private
        return _Details(timeout, self._outgoing.metadata(details.metadata, self._token()))

    def _token(self) -> str:
        token = self._outgoing.token
        if isinstance(token, str):
            return token
        try:
            return cast("Callable[[], str]", token)()
        except Exception as error:
            raise no_token(error) from error
