"""One address behind which one real server process follows another, on one database."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cryptography.fernet import Fernet

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_client import AsyncClient
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL


class Service:
    """A server that can be ended and started again. `latest` is the revision of the last change made here."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self._server: ServerProcess | None = None
        self.address = "127.0.0.1:0"
        self.latest = 0

    async def start(self) -> None:
        self._server = await ServerProcess.start(self.environment | {"CALGUARD_LISTEN": self.address})
        self.address = f"127.0.0.1:{await self._server.port()}"

    async def end(self, number: signal.Signals) -> None:
        assert self._server is not None
        self._server.send(number)
        await self._server.ended()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.end()

    async def add_account(self, client: AsyncClient) -> None:
        account = accounts_pb.Account(id="ann", display_name="Ann")
        await client.accounts.CreateAccount(accounts_pb.CreateAccountRequest(account=account))

    async def change_much(self, client: AsyncClient, turn: int) -> None:
        """Make pages, stop some, delete some: of each turn one is left that accepts, and one that does not."""
        for name in ("open", "shut", "gone"):
            page = pages_pb.BookingPage(id=f"{name}-{turn}", owner_account_id="ann", title=name, scheduling_mode=ALL)
            await client.booking_pages.CreateBookingPage(pages_pb.CreateBookingPageRequest(booking_page=page))
        stopped = await client.booking_pages.StopBookingPage(pages_pb.StopBookingPageRequest(id=f"shut-{turn}"))
        await client.booking_pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id=f"gone-{turn}"))
        self.latest = stopped.booking_page.revision + 1


@asynccontextmanager
async def lasting_address(folder: Path) -> AsyncIterator[Service]:
    """Start the first server, with an empty database, without Google; none is left at the end."""
    service = Service(
        {
            "CALGUARD_HTTP_LISTEN": "",
            "CALGUARD_DATABASE_URL": f"sqlite:///{folder}/calguard.db",
            "CALGUARD_TOKEN_KEYS": Fernet.generate_key().decode(),
            "CALGUARD_DRAIN_TIMEOUT": "1s",
        }
    )
    await service.start()
    try:
        yield service
    finally:
        await service.stop()
