"""A database and a sandbox with Ann's and Ben's calendars, and the servers that live and die on them.

The server that is killed is `calguard-server` itself. The next one is the same on a clock that runs fast: a claim that
the first one left ends after a minute, which is not waited for.
"""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import grpc.aio

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox import Sandbox, SandboxOptions
from calguard_sandbox.traffic import ReceivedRequest
from calguard_server.app import App
from calguard_server.settings.server import read_settings
from calguard_server.wiring.world import SystemClock, World, random_id
from tests.crash.booked import ADDED, all_appointments
from tests.e2e.backend import settings_for
from tests.e2e.server_process import COMMAND, ServerProcess
from tests.e2e.stubs import AUTO, Stubs, query_of
from tests.patience import PATIENCE_SECONDS
from tests.torture.fast_clock import FastClock
from tests.torture.fast_server import command

MEMBERS = ("ann", "ben")
_SPEED = 100
_BACK = "http://127.0.0.1:9/back"
_DUE = "SELECT COUNT(*) FROM entries WHERE next_attempt_time IS NOT NULL"


class Desk:
    """Starts servers and kills them. `stubs` are those of the server that serves, `port` is its port."""

    def __init__(self, sandbox: Sandbox, database: Path, stack: AsyncExitStack) -> None:
        self.sandbox = sandbox
        self.port = 0
        self.stubs: Stubs
        self._database = database
        self._settings = settings_for(sandbox, database) | {"google_timeout": "10s", "check_interval": "1d"}
        self._stack = stack
        self._server: ServerProcess
        self._requests = 0

    async def set_up(self) -> None:
        """Ann and Ben, whose calendars are linked, and a page that either may have appointments of."""
        app = await App.start(
            read_settings(**self._settings), World(SystemClock(), random_id, random.SystemRandom().random)
        )
        stubs = await self.connect(app.port)
        for name in ("olga", *MEMBERS):
            await stubs.add_account(name)
        for name in MEMBERS:
            begun = await stubs.begin(name, redirect_uri=_BACK)
            code = query_of(await self.sandbox.consent(begun.authorization_url, f"{name}@example.com"))["code"]
            await stubs.complete(begun.state, code)
        await stubs.add_page("page", AUTO, "olga", *MEMBERS)
        await app.stop()

    async def start(self) -> None:
        """Start the server."""
        await self._start((str(COMMAND),))

    async def start_again(self) -> None:
        """Start the server on time that passes fast."""
        await self._start(command(FastClock.beginning_now(_SPEED)))

    async def _start(self, how: tuple[str, ...]) -> None:
        environment = {f"CALGUARD_{name.upper()}": value for name, value in self._settings.items()}
        self._server = await ServerProcess.start(environment, command=how)
        self._stack.push_async_callback(self._server.end)
        self.port = await self._server.port()
        self.stubs = await self.connect(self.port)

    async def connect(self, port: int) -> Stubs:
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
        self._stack.push_async_callback(channel.close)
        return Stubs(channel)

    async def kill(self) -> None:
        """Kill the server, and see it dead."""
        self._server.kill()
        assert await self._server.ended() < 0

    def request_id(self) -> str:
        self._requests += 1
        return str(UUID(int=self._requests, version=4))

    def booking(self) -> pb.AssignAppointmentRequest:
        """An hour of tomorrow."""
        start = SystemClock().now().replace(microsecond=0) + timedelta(days=1)
        request = pb.AssignAppointmentRequest(booking_page_id="page", title="Visit", request_id=self.request_id())
        request.start_time.FromDatetime(start)
        request.end_time.FromDatetime(start + timedelta(hours=1))
        return request

    async def received(self, fits: Callable[[ReceivedRequest], bool], after: int) -> None:
        """Return as soon as Google has received such a request since."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for entry in await self.sandbox.google_requests.wait(after=after, seconds=PATIENCE_SECONDS):
                    after = entry.number
                    if fits(entry.record):
                        return

    async def until(self, reached: Callable[[pb.Appointment], bool]) -> None:
        """Return once an appointment is there that is as wished."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not any(map(reached, await all_appointments(self.stubs))):
                pass

    async def settled(self) -> list[pb.Appointment]:
        """Every appointment, once nothing of any is due any more."""
        with closing(sqlite3.connect(self._database)) as connection:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while True:
                    left = connection.execute(_DUE).fetchone()[0]
                    found = await all_appointments(self.stubs)
                    if not left:
                        return found


def is_added(appointment: pb.Appointment) -> bool:
    return all(each.entry_state == ADDED for each in appointment.assignees)


@asynccontextmanager
async def open_desk(folder: Path) -> AsyncIterator[Desk]:
    async with Sandbox(SandboxOptions(seed="crash")) as sandbox, AsyncExitStack() as stack:
        desk = Desk(sandbox, folder / "calguard.db", stack)
        await desk.set_up()
        yield desk
