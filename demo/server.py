"""The server under demonstration: a process of its own, and the client's side of its contract."""

import base64
import os
import re
from collections.abc import Mapping
from pathlib import Path

import grpc.aio

from calguard.v1.account_pb2_grpc import AccountServiceStub
from calguard.v1.booking_page_pb2_grpc import BookingPageServiceStub
from calguard.v1.calendar_link_pb2_grpc import CalendarLinkServiceStub
from calguard.v1.notification_pb2_grpc import NotificationServiceStub
from calguard.v1.watch_pb2_grpc import WatchServiceStub
from demo.child import Child
from demo.log import Log
from demo.message import RELINK_BASE

CALL_SECONDS = 20
CHECK_INTERVAL, GROUP_WAIT = "1s", "800ms"
_LISTENING = "listening on "
_ADDRESS = re.compile(_LISTENING + r"([0-9.:]+)")


def outer_environment() -> dict[str, str]:
    """The environment of this process, without settings that are meant for another server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CALGUARD_")}


class Server:
    """A server that can be killed and started again on the same database. Its clients connect afresh each time."""

    def __init__(self, folder: Path, log: Log, sandbox: Mapping[str, str]) -> None:
        self.database = folder / "calguard.db"
        self.address = ""
        self._log = log
        self._child: Child | None = None
        self._channel: grpc.aio.Channel | None = None
        self._environment = {
            **outer_environment(),
            **sandbox,
            "CALGUARD_TOKEN_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
            "CALGUARD_LISTEN": "127.0.0.1:0",
            "CALGUARD_HTTP_LISTEN": "127.0.0.1:0",
            "CALGUARD_DATABASE_URL": f"sqlite:///{self.database}",
            "CALGUARD_CHECK_INTERVAL": CHECK_INTERVAL,
            "CALGUARD_NOTICE_GROUP_WAIT": GROUP_WAIT,
            "CALGUARD_RELINK_URL": RELINK_BASE + "{calendar_link_id}",
            "CALGUARD_LOG_FORMAT": "json",
            "CALGUARD_SUPPORT_URL": "https://example.com/help",
        }

    @property
    def pid(self) -> int:
        """The process id; 0 where it does not run."""
        return self._child.pid if self._child is not None else 0

    async def start(self) -> None:
        """Start the process, and connect when it says that it serves."""
        await self._disconnect()
        self._child = await Child.start("calguard-server", (), self._environment, self._log)
        self.address = _ADDRESS.findall(await self._child.wait_for_line(_LISTENING))[0]
        self._channel = grpc.aio.insecure_channel(self.address, options=(("grpc.enable_http_proxy", 0),))
        self.accounts = AccountServiceStub(self._channel)
        self.links = CalendarLinkServiceStub(self._channel)
        self.pages = BookingPageServiceStub(self._channel)
        self.notifications = NotificationServiceStub(self._channel)
        self.watch = WatchServiceStub(self._channel)

    async def kill(self) -> int:
        """End the process as `kill -9` does; the process id that it had."""
        pid = self.pid
        if self._child is not None:
            self._child.kill()
            await self._child.gone()
        return pid

    async def stop(self) -> None:
        """End the process in order."""
        await self._disconnect()
        if self._child is not None:
            await self._child.stop()

    async def _disconnect(self) -> None:
        if self._channel is not None:
            await self._channel.close()
            self._channel = None
