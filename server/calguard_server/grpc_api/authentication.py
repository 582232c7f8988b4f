"""Lets callers in by their tokens or certificates, before anything of their calls is read.

Stands before the door by which errors leave, and has what it refuses leave by that door. Who calls is told in each line
of the log that a call makes; their token is told nowhere. A token comes before a certificate: whoever sends one means
it.
"""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar

import grpc
import grpc.aio
from structlog.contextvars import bind_contextvars

from calguard_server.auth.authority import Authority, Permit
from calguard_server.auth.callers import Role
from calguard_server.auth.certificates import PeerCertificate
from calguard_server.domain.scope import EVERYTHING, Scope
from calguard_server.grpc_api.handlers import Context, Handler, parts_of
from calguard_server.grpc_api.interceptors import ErrorInterceptor
from calguard_server.grpc_api.request_id import Metadata
from calguard_server.grpc_api.roles import role_for

_AUTHORIZATION = "authorization"

_permit: ContextVar[Permit | None] = ContextVar("permit", default=None)


def permit_of_call() -> Permit | None:
    """Answer who makes the call that is served in this context, by what right; None where all are let in."""
    return _permit.get()


def scope_of_call() -> Scope:
    """Answer which accounts the caller may see and change who makes the call that is served in this context."""
    permit = permit_of_call()
    return EVERYTHING if permit is None else permit.scope


def still_permitted() -> Callable[[], None]:
    """Answer what raises, whenever it is called, once the caller may not make this call any more."""
    permit = permit_of_call()
    return _always if permit is None else permit.check


def _always() -> None:
    """Let in all, where callers are not authenticated."""


class AuthenticationInterceptor(grpc.aio.ServerInterceptor):
    """Stands before the door, and hands on to it.

    Each call is served in a context of its own, so what is put there ends with the call. What a connection's
    certificate is can be asked only once a call's handler runs, so callers without a token are let in there, where
    there are certificates.
    """

    def __init__(self, authority: Authority, door: ErrorInterceptor) -> None:
        self._authority = authority
        self._door = door
        self._by_certificate: dict[str, Handler] = {}

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
        sent = _authorizations(handler_call_details.invocation_metadata)
        if not sent and self._authority.trust is not None:
            return self._admitting(method, role, handler)
        try:
            _admit(await self._authority.identify(sent[0] if len(sent) == 1 else "", role))
        except Exception as error:  # noqa: BLE001 - the door tells a refusal from what nobody foresaw
            return self._door.refusing(method, error)
        return handler

    def _admitting(self, method: str, role: Role, handler: Handler) -> Handler:
        """Answer the handler behind one that asks for the certificate first; it has decoded nothing by then."""
        admitting = self._by_certificate.get(method)
        if admitting is None:
            admitting = self._by_certificate[method] = self._behind_certificate(method, role, handler)
        return admitting

    def _behind_certificate(self, method: str, role: Role, handler: Handler) -> Handler:
        make, serve = parts_of(handler)

        async def admit(request: object, context: Context) -> object:
            try:
                _admit(self._authority.identify_peer(_certificate_of(context), role))
            except Exception as error:  # noqa: BLE001 - likewise
                return await parts_of(self._door.refusing(method, error))[1](request, context)
            return await serve(request, context)

        admitting: Handler = make(admit, response_serializer=handler.response_serializer)
        return admitting


def _admit(permit: Permit) -> None:
    """Let a caller in. It is known who it is by then, whether they may or not."""
    _permit.set(permit)
    bind_contextvars(caller=permit.name)
    permit.check()


def _authorizations(metadata: Metadata) -> list[str]:
    """Find what was sent as `authorization`. Several are as bad as one that cannot be read: they may contradict."""
    return [str(value) for key, value in metadata if key == _AUTHORIZATION]


def _certificate_of(context: Context) -> PeerCertificate:
    known = context.auth_context()
    leaf, above = (next(iter(known.get(name, ())), b"") for name in ("x509_pem_cert", "x509_pem_cert_chain"))
    return PeerCertificate(bytes(leaf), bytes(above))
