"""The synchronous client."""

import inspect
import random
import weakref
from types import TracebackType
from typing import Self

import grpc

from calguard.v1.account_pb2_grpc import AccountServiceStub
from calguard.v1.appointment_pb2_grpc import AppointmentServiceStub
from calguard.v1.booking_page_pb2_grpc import BookingPageServiceStub
from calguard.v1.calendar_link_pb2_grpc import CalendarLinkServiceStub
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard.v1.provider_pb2_grpc import ProviderServiceStub
from calguard.v1.server_pb2_grpc import ServerServiceStub
from calguard.v1.silence_pb2_grpc import SilenceServiceStub
from calguard.v1.slack_workspace_pb2_grpc import SlackWorkspaceServiceStub
from calguard.v1.watch_pb2 import WatchRequest
from calguard.v1.watch_pb2_grpc import WatchServiceStub
from calguard_client.connection import open_channel
from calguard_client.interceptors import CallInterceptor
from calguard_client.mirroring.mirror import Mirror
from calguard_client.mirroring.reading import MirrorOptions
from calguard_client.mirroring.request import mirror_request
from calguard_client.options import ClientOptions
from calguard_client.outgoing import Outgoing
from calguard_client.watching.resumption import Resumption
from calguard_client.watching.watch import Watch


class Client:
    """A Calguard server, asked synchronously; any thread may use it. Each attribute is the stub of a service.

    It connects at its first call. Every call raises CalguardError. Close it: `with`, or `close`.
    """

    def __init__(self, address: str, options: ClientOptions | None = None) -> None:
        """Open a client to `HOST:PORT`, or another target of gRPC's.

        Raises ValueError for an exposed token, or one that a coroutine function makes.
        """
        options = ClientOptions() if options is None else options
        if inspect.iscoroutinefunction(options.token):
            raise ValueError("token: expected a text, or a function that answers one: AsyncClient takes coroutines")
        self._channel = open_channel(address, options)
        self.channel = grpc.intercept_channel(self._channel, CallInterceptor(Outgoing(options)))
        self.accounts = AccountServiceStub(self.channel)
        self.appointments = AppointmentServiceStub(self.channel)
        self.booking_pages = BookingPageServiceStub(self.channel)
        self.calendar_links = CalendarLinkServiceStub(self.channel)
        self.notifications = NotificationServiceStub(self.channel)
        self.provider = ProviderServiceStub(self.channel)
        self.server = ServerServiceStub(self.channel)
        self.silences = SilenceServiceStub(self.channel)
        self.slack_workspaces = SlackWorkspaceServiceStub(self.channel)
        self.watches = WatchServiceStub(self.channel)
        self._open = weakref.WeakSet[Watch]()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every watch and call that is under way, and the connection."""
        for watch in tuple(self._open):
            watch.close()
        self._channel.close()

    def watch(self, request: WatchRequest | None = None) -> Watch:
        """Watch what the request asks for; with its `resume_token`, from there on."""
        chance = random.SystemRandom().random
        watch = Watch(self.watches.Watch, Resumption(request or WatchRequest(), chance))
        self._open.add(watch)
        return watch

    def mirror(self, request: WatchRequest | None = None, options: MirrorOptions | None = None) -> Mirror:
        """Keep a local copy of what the request filters. Raises ValueError for a token, or without a snapshot."""
        return Mirror(self.watch(mirror_request(request)), MirrorOptions() if options is None else options)
