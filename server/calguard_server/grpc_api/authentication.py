"""Lets callers in by their tokens, before anything of their calls is read.

Stands before the door by which errors leave, and has what it refuses leave by that door. Who calls is told in each line
of the log that a call makes; their token is told nowhere.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Never

import grpc
import grpc.aio
from structlog.contextvars import bind_contextvars

from calguard_server.auth.authority import Authority, Permit
from calguard_server.auth.callers import Role
from calguard_server.domain.errors import CalguardError
from calguard_server.grpc_api.interceptors import ErrorInterceptor
from calguard_server.grpc_api.roles import role_for

if TYPE_CHECKING:  # generic in the stubs only
    Handler = grpc.RpcMethodHandler[Any, Any]
else:
    Handler = grpc.RpcMethodHandler

_AUTHORIZATION = "authorization"

_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)


def permit_of_call() -> Permit | None:
    """Answer who makes the call that is served in this context, by what right; None where all are let in."""
    return _permit.get()


def still_permitted() -> Callable[[], None]:
    """Answer what raises, whenever it is called, once the caller may not make this call any more."""
    permit = permit_of_call()
    return _always if permit is None else permit.check


def _always() -> None:
    """Let in all, where callers are not authenticated."""


class AuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Stands before the door, and hands on to it.

    Each call is served in a context of its own, so what is put there ends with the call.
    """

    def __init__(self, authority: Authority, door: ErrorInterceptor) -> None:
        self._authority = authority
        self._door = door

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Answer the handler where the caller may call it, else one that refuses."""
        handler = await self._door.intercept_service(continuation, handler_call_details)
        method = handler_call_details.method
        role = role_for(method)
        if handler is None or role is None:
            return handler
        try:
            self._admit(handler_call_details.invocation_metadata, role)
        except CalguardError as refusal:
            return self._door.guard(method, _refusing(refusal))
        return handler

    def _admit(self, metadata: Sequence[tuple[str, str | bytes]], role: Role) -> None:
        permit = self._authority.identify(_authorization(metadata), role)
        _permit.set(permit)
        bind_contextvars(caller=permit.name)
        permit.check()


def _authorization(metadata: Sequence[tuple[str, str | bytes]]) -> str:
    """Find the one `authorization`; empty where there is none. Several are none: they may contradict one another."""
    found = [value for key, value in metadata if key == _AUTHORIZATION]
    return str(found[0]) if len(found) == 1 else ""


def _refusing(refusal: CalguardError) -> Handler:
    """Build a handler that waits for no request, of whatever kind the method is: only a status is answered."""

    async def refuse(_requests: object, _context: object) -> Never:
        raise refusal

    handler: Handler = grpc.stream_unary_rpc_method_handler(refuse, response_serializer=bytes)
    return handler
