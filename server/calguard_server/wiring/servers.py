"""What listens: gRPC and HTTP."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.entrance import Entrance
from calguard_server.grpc_api.interceptors import CallTracer
from calguard_server.grpc_api.roles import OPEN, ROLE_OF
from calguard_server.grpc_api.server import GrpcServer, UseCases, build_server
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.server import HttpServer
from calguard_server.http_api.unsubscribe import Unsubscribing
from calguard_server.telemetry.calls import CallMetrics
from calguard_server.wiring.basis import Basis
from calguard_server.wiring.options import call_limits

LAST_GRACE_SECONDS = 1.0
"""How long calls may still end when a start broke off, or after a drain."""


@contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Have what is wrong with an address say which setting it is of."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{setting}: {error.strerror or error}: name another address, or end what has it") from error


def bind_grpc(basis: Basis, use_cases: UseCases, entrance: Entrance, trace: CallTracer | None) -> GrpcServer:
    """Bind the gRPC server, which is yet to be started. Raises OSError, which names the setting."""
    settings, calls = basis.settings, CallMetrics(basis.registry, (*ROLE_OF, *OPEN))
    host, _, port = settings.listen.rpartition(":")
    with _naming("CALGUARD_LISTEN"):
        server = build_server(
            use_cases,
            host,
            int(port),
            authority=entrance.authority,
            credentials=entrance.tls.credentials.server if entrance.tls else None,
            connection_age=settings.watch_lifetime,
            observe=calls.ended,
            trace=trace,
            limits=call_limits(settings),
            shed=calls.shed,
        )
    basis.closers.append(lambda: server.stop(LAST_GRACE_SECONDS))
    return server


async def start_http(
    basis: Basis,
    use_cases: UseCases,
    unsubscribe_tokens: UnsubscribeTokens,
    healthy: Callable[[], bool],
    look: Callable[[], Awaitable[None]],
) -> int:
    """Start the HTTP server; answers its port, or 0 where there is none. Raises OSError, which names the setting."""
    settings = basis.settings
    if not settings.http_listen:
        return 0
    host, _, port = settings.http_listen.rpartition(":")
    server = HttpServer(
        use_cases.linking,
        healthy,
        basis.registry,
        CallbackPage(settings.support_url, settings.relink_url),
        Unsubscribing(use_cases.accounts, unsubscribe_tokens, settings.support_url),
        look,
    )
    with _naming("CALGUARD_HTTP_LISTEN"):
        bound = await server.start(host, int(port))
    basis.closers.append(server.stop)
    return bound
