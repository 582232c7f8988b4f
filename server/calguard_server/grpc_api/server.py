"""The gRPC server: the services, health, reflection, and the options that its load needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from calguard.v1 import (
    account_pb2_grpc,
    booking_page_pb2_grpc,
    calendar_link_pb2_grpc,
    notification_pb2_grpc,
    provider_pb2_grpc,
    silence_pb2_grpc,
)
from calguard_server.domain.addresses import THIRD_PARTY_ACCESS_URL
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.checks import Checks
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ending
from calguard_server.engine.linking import Linking
from calguard_server.engine.notifications import Notifications
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports import Store
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.reports import Reports
from calguard_server.engine.selection import Selection
from calguard_server.engine.silences import Silences
from calguard_server.grpc_api.account_service import AccountService
from calguard_server.grpc_api.booking_page_service import BookingPageService
from calguard_server.grpc_api.calendar_link_service import CalendarLinkService
from calguard_server.grpc_api.gate import Gate
from calguard_server.grpc_api.interceptors import ErrorInterceptor
from calguard_server.grpc_api.notification_service import NotificationService
from calguard_server.grpc_api.provider_service import ProviderService
from calguard_server.grpc_api.reflection import add_reflection
from calguard_server.grpc_api.silence_service import SilenceService
from calguard_server.grpc_api.watch_service import WatchFeed, WatchService, add_watch_service

SERVICES = (
    "calguard.v1.AccountService",
    "calguard.v1.BookingPageService",
    "calguard.v1.CalendarLinkService",
    "calguard.v1.NotificationService",
    "calguard.v1.ProviderService",
    "calguard.v1.SilenceService",
    "calguard.v1.WatchService",
)

_PENDING_REQUESTS = 100_000
"""How many opened calls may wait to be taken up. grpc's own limit refuses a burst of thousands of new streams."""

OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.so_reuseport", 0),  # a second server on the port is an error, not a sharer
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.server.max_pending_requests", _PENDING_REQUESTS),
    ("grpc.server.max_pending_requests_hard_limit", 2 * _PENDING_REQUESTS),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
)


_QUIET_SECONDS = 0.1
"""How long no call may have come before a draining server stops: what is on its way is still told to go elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What the services call. `store` is only read."""

    accounts: Accounts
    pages: Pages
    linking: Linking
    selection: Selection
    checks: Checks
    ending: Ending
    incidents: ProviderIncidents
    diagnosis: Diagnosis
    reports: Reports
    notifications: Notifications
    silences: Silences
    store: Store
    feed: WatchFeed


class GrpcServer:
    """A server that is bound to its port, and serves once started."""

    def __init__(self, server: grpc.aio.Server, statuses: health.aio.HealthServicer, gate: Gate, port: int) -> None:
        self.port = port
        self._gate = gate
        self._server = server
        self._statuses = statuses

    async def start(self) -> None:
        """Serve; every service, and the server as a whole, is SERVING."""
        for service in SERVICES:
            await self._statuses.set(service, health_pb2.HealthCheckResponse.SERVING)
        await self._server.start()

    async def drain(self, at_most_seconds: float) -> None:
        """Tell that nothing here is SERVING any more, for good, and refuse new calls while those under way end."""
        await self._statuses.enter_graceful_shutdown()
        await self._gate.close(_QUIET_SECONDS, at_most_seconds)

    async def stop(self, grace: float | None) -> None:
        """Take no new calls; those under way have `grace` seconds, then they are cancelled."""
        await self._server.stop(grace)

    async def wait(self) -> None:
        """Return when the server has stopped."""
        await self._server.wait_for_termination()


def build_server(
    use_cases: UseCases,
    host: str,
    port: int,
    *,
    credentials: grpc.ServerCredentials | None = None,
    third_party_access_url: str = THIRD_PARTY_ACCESS_URL,
    interceptors: Sequence[grpc.aio.ServerInterceptor] = (),
) -> GrpcServer:
    """Build the server, in a running event loop, and bind it; port 0 becomes a free one.

    `credentials` make it TLS. What handlers wrapped by `interceptors` raise leaves by the same door as all else.
    Raises OSError, naming the address, where it cannot be bound.
    """
    gate = Gate()
    server = grpc.aio.server(interceptors=(ErrorInterceptor(gate=gate), *interceptors), options=OPTIONS)
    _add_services(server, use_cases, third_party_access_url)
    statuses = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(statuses, server)
    add_reflection(server, (*SERVICES, health.SERVICE_NAME))
    return GrpcServer(server, statuses, gate, _bind(server, host, port, credentials))


def _add_services(server: grpc.aio.Server, use_cases: UseCases, third_party_access_url: str) -> None:
    account_pb2_grpc.add_AccountServiceServicer_to_server(
        AccountService(use_cases.accounts, third_party_access_url), server
    )
    booking_page_pb2_grpc.add_BookingPageServiceServicer_to_server(BookingPageService(use_cases.pages), server)
    links = CalendarLinkService(
        use_cases.store,
        use_cases.linking,
        use_cases.selection,
        use_cases.checks,
        use_cases.ending,
        use_cases.diagnosis,
        use_cases.reports,
        third_party_access_url,
    )
    calendar_link_pb2_grpc.add_CalendarLinkServiceServicer_to_server(links, server)
    notifications = NotificationService(use_cases.notifications)
    notification_pb2_grpc.add_NotificationServiceServicer_to_server(notifications, server)
    silence_pb2_grpc.add_SilenceServiceServicer_to_server(SilenceService(use_cases.silences), server)
    provider_pb2_grpc.add_ProviderServiceServicer_to_server(ProviderService(use_cases.incidents), server)
    add_watch_service(WatchService(use_cases.feed), server)


def _bind(server: grpc.aio.Server, host: str, port: int, credentials: grpc.ServerCredentials | None) -> int:
    address = f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
    try:
        if credentials is not None:
            return server.add_secure_port(address, credentials)
        return server.add_insecure_port(address)
    except RuntimeError:
        raise OSError(
            f"cannot listen on {address}: another process has the port, or the address is not this machine's"
        ) from None
