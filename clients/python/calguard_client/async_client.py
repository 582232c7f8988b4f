"""The client of asyncio."""

import random
import weakref
from types import TracebackType
from typing import Self

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
from calguard_client.async_interceptors import AsyncCallInterceptor, AsyncStreamInterceptor
from calguard_client.connection import open_async_channel
from calguard_client.mirroring.async_mirror import AsyncMirror
from calguard_client.mirroring.reading import MirrorOptions
from calguard_client.mirroring.request import mirror_request
from calguard_client.options import ClientOptions
from calguard_client.outgoing import Outgoing
from calguard_client.watching.async_watch import AsyncWatch
from calguard_client.watching.resumption import Resumption


class AsyncClient:
    """A Calguard server, asked with asyncio, in the event loop it is made in. Each attribute is the stub of a service.

    It connects at its first call. Every call raises CalguardError. Close it: `async with`, or `aclose`.
    """

    def __init__(self, address: str, options: ClientOptions | None = None) -> None:
        """Open a client to `HOST:PORT`, or another target of gRPC's. Raises ValueError for an exposed token."""
        options = ClientOptions() if options is None else options
        outgoing = Outgoing(options)
        doors = (AsyncCallInterceptor(outgoing), AsyncStreamInterceptor(outgoing))
        self.channel = open_async_channel(address, options, doors)
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
        self._open = weakref.WeakSet[AsyncWatch]()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every watch and call that is under way, and the connection."""
        for watch in tuple(self._open):
            await watch.aclose()
        await self.channel.close()

    def watch(self, request: WatchRequest | None = None) -> AsyncWatch:
        """Watch what the request asks for; with its `resume_token`, from there on."""
        chance = random.SystemRandom().random
        watch = AsyncWatch(self.watches.Watch, Resumption(request or WatchRequest(), chance))
        self._open.add(watch)
        return watch

    def mirror(self, request: WatchRequest | None = None, options: MirrorOptions | None = None) -> AsyncMirror:
        """Keep a local copy of what the request filters. Raises ValueError for a token, or without a snapshot."""
        return AsyncMirror(self.watch(mirror_request(request)), MirrorOptions() if options is None else options)
