"""The gRPC server: the services, health, reflection, and the options that its load needs."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2

from calguard.v1 import (
    account_pb2_grpc,
    appointment_pb2_grpc,
    booking_page_pb2_grpc,
    calendar_link_pb2_grpc,
    notification_pb2_grpc,
    provider_pb2_grpc,
    server_pb2_grpc,
    silence_pb2_grpc,
    slack_workspace_pb2_grpc,
)
from calguard_server.auth.authority import Authority
from calguard_server.domain.addresses import THIRD_PARTY_ACCESS_URL
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.appointments import Appointments
from calguard_server.engine.availability_query import Availability
from calguard_server.engine.checks import Checks
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ending
from calguard_server.engine.linking import Linking
from calguard_server.engine.notifications import Notifications
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports.store import Store
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.reports import Reports
from calguard_server.engine.selection import Selection
from calguard_server.engine.server_status import StatusReading
from calguard_server.engine.silences import Silences
from calguard_server.engine.slack_workspaces import SlackWorkspaces
from calguard_server.engine.visibility import Visibility
from calguard_server.grpc_api.account_service import AccountService
from calguard_server.grpc_api.appointment_service import AppointmentService
from calguard_server.grpc_api.authentication import AuthenticationInterceptor
from calguard_server.grpc_api.booking_page_service import BookingPageService
from calguard_server.grpc_api.calendar_link_service import CalendarLinkService
from calguard_server.grpc_api.call_log import CallObserver, unobserved
from calguard_server.grpc_api.caller_rate import CallerRate
from calguard_server.grpc_api.first_request import FirstRequests
from calguard_server.grpc_api.gate import Gate
from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.health import HealthService, add_health_service
from calguard_server.grpc_api.interceptors import CallTracer, ErrorInterceptor
from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.notification_service import NotificationService
from calguard_server.grpc_api.open_streams import OpenStreams
from calguard_server.grpc_api.page_answers import PageAnswers
from calguard_server.grpc_api.provider_service import ProviderService
from calguard_server.grpc_api.queue_probe import QueueProbe
from calguard_server.grpc_api.reflection import add_reflection
from calguard_server.grpc_api.scope_guard import ScopeGuard
from calguard_server.grpc_api.server_service import ServerService
from calguard_server.grpc_api.shedding import SheddingInterceptor
from calguard_server.grpc_api.silence_service import SilenceService
from calguard_server.grpc_api.slack_workspace_service import SlackWorkspaceService
from calguard_server.grpc_api.watch_service import WatchFeed, WatchService, add_watch_service, caller_of_call

SERVICES = (
    "calguard.v1.AccountService",
    "calguard.v1.AppointmentService",
    "calguard.v1.BookingPageService",
    "calguard.v1.CalendarLinkService",
    "calguard.v1.NotificationService",
    "calguard.v1.ProviderService",
    "calguard.v1.ServerService",
    "calguard.v1.SlackWorkspaceService",
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
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_metadata_size", 16 * 1024),
)


_AGE_GRACE = timedelta(minutes=1)

_QUIET_SECONDS = 0.1
"""How long no call may have come before a draining server stops: what is on its way is still told to go elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """What the services call. `store` is only read."""

    accounts: Accounts
    availability: Availability
    appointments: Appointments
    pages: Pages
    page_answers: PageAnswers
    linking: Linking
    selection: Selection
    checks: Checks
    ending: Ending
    incidents: ProviderIncidents
    diagnosis: Diagnosis
    reports: Reports
    status: StatusReading
    slack_workspaces: SlackWorkspaces
    notifications: Notifications
    silences: Silences
    store: Store
    feed: WatchFeed


class GrpcServer:
    """A server that is bound to its port, and serves once started."""

    def __init__(
        self,
        server: grpc.aio.Server,
        statuses: HealthService,
        gate: Gate,
        streams: Sequence[OpenStreams],
        probe: QueueProbe,
        port: int,
    ) -> None:
        self.port = port
        self._streams = streams
        self._probe = probe
        self._gate = gate
        self._server = server
        self._statuses = statuses

    async def start(self) -> None:
        """Serve; every service, and the server as a whole, is SERVING."""
        await self.show(serving=True)
        await self._server.start()

    async def show(self, *, serving: bool) -> None:
        """Have the health of every service, and of the server as a whole, say whether it serves."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for service in ("", *SERVICES):
            await self._statuses.set(service, status)

    async def drain(self, at_most_seconds: float) -> None:
        """Tell that nothing here is SERVING any more, for good, and refuse new calls while those under way end.

        Those that do not end in time are broken off with `SERVER_DRAINING`.
        """
        await self._statuses.enter_graceful_shutdown()
        await self._gate.close(_QUIET_SECONDS, at_most_seconds)

    async def stop(self, grace: float | None) -> None:
        """Take no new calls; those under way have `grace` seconds, then they are cancelled.

        Watches of health and streams of reflection, which do not end by themselves, end at once.
        """
        await self._probe.close()
        for streams in self._streams:
            streams.close()
        await self._server.stop(grace)

    async def wait(self) -> None:
        """Return when the server has stopped."""
        await self._server.wait_for_termination()


def build_server(
    use_cases: UseCases,
    host: str,
    port: int,
    *,
    authority: Authority | None = None,
    credentials: grpc.ServerCredentials | None = None,
    third_party_access_url: str = THIRD_PARTY_ACCESS_URL,
    connection_age: timedelta = timedelta(minutes=30),
    observe: CallObserver = unobserved,
    trace: CallTracer | None = None,
    limits: Limits | None = None,
    shed: Callable[[], None] = lambda: None,
    timer: Callable[[], float] = time.perf_counter,
) -> GrpcServer:
    """Build the server, in a running event loop, and bind it; port 0 becomes a free one.

    With an `authority` only those whom it knows are let in. `credentials` make it TLS. A connection takes no new calls
    after about `connection_age`, and its streams, which end by themselves within twice that time, are ended with it
    after a little more. `observe` is told of the end of each call, `trace` opens the spans of unary ones; `shed` is
    called for each call that overload turns away. `timer` answers seconds that only grow. Raises OSError, naming the
    address, where it cannot be bound.
    """
    limits = limits or Limits()
    gate = Gate(limits.calls_max, limits.call_timeout)
    rate = CallerRate(limits.caller_rate, limits.caller_burst, timer)

    def admit(context: Context) -> None:
        rate.admit(caller_of_call(context))

    errors = ErrorInterceptor(timer, gate=gate, admit=admit, observe=observe, trace=trace)
    known = errors if authority is None else AuthenticationInterceptor(authority, errors)
    shedding = SheddingInterceptor(known, errors.refusing, limits.overload, timer, shed)
    options = (*OPTIONS, *_ages(connection_age), ("grpc.max_concurrent_streams", limits.connection_streams))
    server = grpc.aio.server(interceptors=(shedding,), options=options)
    methods = _Methods(ScopeGuard(Visibility(use_cases.store)))
    door = cast("grpc.aio.Server", methods)  # as far as services are added to one
    _add_services(door, use_cases, third_party_access_url)
    statuses = HealthService(SERVICES)
    watches = OpenStreams("grpc.health.v1.Health/Watch", limits.open_streams, limits.open_streams_share)
    questions = OpenStreams("server reflection", limits.open_streams, limits.open_streams_share)
    add_health_service(statuses, door, watches, FirstRequests(limits.waiting_max, limits.wait_seconds))
    add_reflection(door, (*SERVICES, health.SERVICE_NAME), questions, admit)
    server.add_generic_rpc_handlers((methods,))
    port = _bind(server, host, port, credentials)
    if limits.overload.target:
        shedding.probe.bind(server)
    return GrpcServer(server, statuses, gate, (watches, questions), shedding.probe, port)


def _ages(connection_age: timedelta) -> tuple[tuple[str, int], ...]:
    """How long connections last.

    A stream that ends by itself would be opened again on the same connection, and so at the same server: a connection
    has an age for clients to spread over servers that came later. And what a client that never reads has left in
    memory goes with its connection.
    """
    milliseconds = connection_age // timedelta(milliseconds=1)
    grace = 2 * connection_age + _AGE_GRACE
    return (
        ("grpc.max_connection_age_ms", milliseconds),
        ("grpc.max_connection_age_grace_ms", grace // timedelta(milliseconds=1)),
    )


class _Methods(grpc.GenericRpcHandler):
    """Takes in services as a server does, and is one handler for the methods of them all.

    grpc looks through its handlers, and through the methods that generated code registers besides, at each call: with
    as many as ours that takes some 25 microseconds (measured).
    """

    def __init__(self, guard: ScopeGuard) -> None:
        self._guard = guard
        self._services: list[grpc.GenericRpcHandler] = []

    def add_generic_rpc_handlers(self, handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        self._services.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Leave it at the generic handlers, which have the same methods."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:  # noqa: ANN401 - whatever the method takes
        """Answer the handler of a method, behind the guard of scopes; None where no service has it."""
        found = (each.service(handler_call_details) for each in self._services)
        handler = next((handler for handler in found if handler is not None), None)
        return None if handler is None else self._guard.wrap(handler_call_details.method, handler)


def _add_services(server: grpc.aio.Server, use_cases: UseCases, third_party_access_url: str) -> None:
    account_pb2_grpc.add_AccountServiceServicer_to_server(
        AccountService(use_cases.accounts, third_party_access_url), server
    )
    appointments = AppointmentService(use_cases.availability, use_cases.appointments)
    appointment_pb2_grpc.add_AppointmentServiceServicer_to_server(appointments, server)
    booking_page_pb2_grpc.add_BookingPageServiceServicer_to_server(
        BookingPageService(use_cases.pages, use_cases.page_answers), server
    )
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
    server_pb2_grpc.add_ServerServiceServicer_to_server(ServerService(use_cases.status), server)
    workspaces = SlackWorkspaceService(use_cases.slack_workspaces)
    slack_workspace_pb2_grpc.add_SlackWorkspaceServiceServicer_to_server(workspaces, server)
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
