"""One server after another on one database: each is killed when the next moment of a seeded choice has come.

Moments are counted in what can be observed from outside: calls that are made, requests that the sandbox receives,
messages of the watch. So a kill falls between any two steps of the server's work, and no clock is asked.
"""

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import grpc.aio

from calguard.v1 import watch_pb2 as watch_pb
from calguard_client.refusal import Refusal
from calguard_sandbox import Sandbox
from calguard_sandbox.journal import Journal
from calguard_server.wiring.world import SystemClock
from tests.e2e.server_process import COMMAND, EndedError, ServerProcess
from tests.e2e.stubs import Stubs
from tests.e2e.watching import Watcher
from tests.patience import PATIENCE_SECONDS

T = TypeVar("T")
Told = tuple[str, str, str, str]
"""A channel, an account, a kind of notice, a page."""

_GAP = (6, 26)
"""How many observations there are between a start and the next kill, at least and at most."""


_REAL = SystemClock()
_IN_FLIGHT = "SELECT channel, recipient_account_id, kind, page_id FROM deliveries WHERE state = 'SENDING'"


@dataclass
class Life:
    """A server from its start to its end. `gone` is set once it has ended; `stubs` once it serves."""

    server: ServerProcess
    stubs: Stubs | None = None
    killed: bool = False
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class BatteredServer:
    """Serves, is killed, serves again. `in_flight` counts what was being sent at kills, `watched` is all changes.

    A kill comes up to `late` seconds after what was observed.
    """

    def __init__(
        self,
        environment: dict[str, str],
        database: Path,
        seed: int,
        gap: tuple[int, int] = _GAP,
        *,
        command: Sequence[str] = (str(COMMAND),),
        late: float = 0,
        now: Callable[[], datetime] = _REAL.now,
    ) -> None:
        self.kills = 0
        self.killed_at: list[datetime] = []
        self.in_flight: Counter[Told] = Counter()
        self.watched: list[watch_pb.StateChange] = []
        self._environment = environment
        self._database = database
        self._random = random.Random(seed)
        self._gap = gap
        self._command = command
        self._late = late
        self._now = now
        self._left: int | None = None
        self._lives: list[Life] = []
        self._serving = asyncio.Event()
        self._watching = asyncio.Event()

    def arm(self) -> None:
        """Begin to kill, which goes on until `disarm`."""
        self._left = self._random.randint(*self._gap)

    def disarm(self) -> None:
        """Leave the server alone."""
        self._left = None

    def observe(self) -> None:
        """Note that something happened; it may have been the server's last moment."""
        if self._left is None:
            return
        self._left -= 1
        if self._left == 0:
            late = self._random.random() * self._late
            asyncio.get_running_loop().call_later(late, self._kill, self._lives[-1])

    def _kill(self, life: Life) -> None:
        self.killed_at.append(self._now())
        life.killed = True
        life.server.kill()

    async def serve(self) -> None:
        """Start servers for ever, one after the other."""
        while True:
            life = Life(await ServerProcess.start(self._environment, command=self._command))
            self._lives.append(life)
            if self._left is not None:
                self.arm()
            await self._wait_for_start(life)
            await life.server.gone()
            await life.server.ended()
            assert life.killed, life.server.complaints
            self._serving.clear()
            self.kills += 1
            self.in_flight.update(self._read_in_flight())
            life.gone.set()

    async def _wait_for_start(self, life: Life) -> None:
        try:
            port = await life.server.port()
        except EndedError:
            return  # killed before it listened
        life.stubs = Stubs(grpc.aio.insecure_channel(f"127.0.0.1:{port}"))
        self._serving.set()

    async def call(self, make: Callable[[Stubs], Awaitable[T]], *, observed: bool = True) -> T:
        """Make a call until a server has answered it. Raises AioRpcError for what a server refuses."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                life, stubs = await self.current()
                if observed:
                    self.observe()
                try:
                    return await make(stubs)
                except grpc.aio.AioRpcError as error:
                    await self.outlive(life, error)

    async def watch(self) -> None:
        """Keep one watch over all servers, by its token alone; the first one reads the snapshot of an empty store."""
        token = ""
        while True:
            life, stubs = await self.current()
            watcher = stubs.watch(resume_token=token)
            try:
                await self._follow(watcher)
            except grpc.aio.AioRpcError as error:
                token = watcher.token or token
                await self.outlive(life, error)

    async def _follow(self, watcher: Watcher) -> None:
        while True:
            message = await watcher.read()
            if message.snapshot_complete:
                self._watching.set()
            self.observe()
            self.watched.extend(message.changes)

    async def watching(self) -> None:
        """Return once the watch has its first token."""
        await self._watching.wait()

    async def watched_up_to(self, revision: int) -> None:
        """Return once the watch has been told that much."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.watched or self.watched[-1].revision < revision:
                await self.call(lambda stubs: stubs.notifications(), observed=False)

    async def current(self) -> tuple[Life, Stubs]:
        """Answer the server that serves, once one does."""
        while True:
            await self._serving.wait()
            life = self._lives[-1]
            if life.stubs is not None:
                return life, life.stubs
            await life.gone.wait()

    async def outlive(self, life: Life, error: grpc.aio.AioRpcError) -> None:
        """Wait for the end of a server that was killed; what a living one answers is the caller's."""
        if Refusal.of(error).reason or not life.killed:
            raise error
        await life.gone.wait()

    async def follow(self, journal: Journal[Any]) -> None:
        """Observe what the sandbox receives."""
        last = journal.last
        while True:
            for entry in await journal.wait(after=last, seconds=PATIENCE_SECONDS):
                last = entry.number
                self.observe()

    def _read_in_flight(self) -> list[Told]:
        """Read a copy: opening the database itself would repair it, and that is the next server's to do."""
        with TemporaryDirectory() as folder:
            for file in self._database.parent.glob(f"{self._database.name}*"):
                shutil.copy(file, folder)
            with closing(sqlite3.connect(Path(folder) / self._database.name)) as connection:
                return connection.execute(_IN_FLIGHT).fetchall()

    async def end(self) -> None:
        for life in self._lives:
            if life.stubs is not None:
                await life.stubs.channel.close()
            await life.server.end()


@asynccontextmanager
async def battered_server(
    environment: dict[str, str],
    database: Path,
    sandbox: Sandbox,
    seed: int,
    gap: tuple[int, int] = _GAP,
    *,
    late: float = 0,
) -> AsyncIterator[BatteredServer]:
    """Serve until the end of the test; a part of it that fails makes the test fail."""
    server = BatteredServer(environment, database, seed, gap, late=late)
    journals: list[Journal[Any]] = [
        sandbox.google_requests,
        sandbox.slack_requests,
        sandbox.slack.messages,
        sandbox.mail.received,
    ]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(server.serve()), group.create_task(server.watch())]
            tasks += [group.create_task(server.follow(journal)) for journal in journals]
            yield server
            for task in tasks:
                task.cancel()
    finally:
        await server.end()
