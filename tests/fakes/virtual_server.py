"""A server in virtual time, without gRPC: a real store, use cases, loops and feed, wired as app.py wires them."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from calguard_server.domain.delivery import RetryPolicy
from calguard_server.domain.notices import Channel
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.ports import CalendarProvider, Chance, Clock, CommitListener, NewId
from calguard_server.grpc_api.convert import encode_change, encode_snapshot
from calguard_server.notifiers.message import Notifier
from calguard_server.store.sqlite import SqliteStore, StoreOptions, open_store
from calguard_server.store.vault import Vault
from calguard_server.watch.feed import Feed, FeedOptions
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from calguard_server.workers.retention import Retention, RetentionOptions
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.service import KEY, Engine, build_engine

OPERATOR = ComposerOptions("https://app.test/{account_id}/{calendar_link_id}", "https://help.test", "ops@test", "C0PS")
FEED = FeedOptions(ring_capacity=12, progress_interval=timedelta(minutes=20))
RETENTION = RetentionOptions(watch_retention=timedelta(hours=2), keep_revisions=25)
POLL = timedelta(seconds=20)


@dataclass(frozen=True)
class Edges:
    """What a server is given of the world: it outlives the server."""

    path: Path
    clock: Clock
    chance: Chance
    new_id: NewId
    provider: CalendarProvider
    notifiers: dict[Channel, Notifier]


class Server:
    """A server at work."""

    def __init__(self, edges: Edges, connections: InlineConnections, store: SqliteStore) -> None:
        self.connections = connections
        self.store = store
        self.checks: Counter[str] = Counter()
        context = Context(store, edges.clock, edges.new_id, edges.chance, Policies())
        self.engine: Engine = build_engine(context, store, edges.provider, {Channel.EMAIL, Channel.SLACK})
        self.feed = Feed(store, encode_snapshot, edges.clock, edges.chance, FEED, store.writer.revision)
        self._check_loop = CheckLoop(
            store, self.engine.checks, edges.clock, CheckLoopOptions(poll_interval=POLL), self._checked
        )
        self._delivery_loop = DeliveryLoop(
            store,
            Composer(store, OPERATOR),
            edges.notifiers,
            self.engine.alerts,
            edges.clock,
            edges.chance,
            RetryPolicy(),
            DeliveryLoopOptions(poll_interval=POLL),
        )
        self._retention = Retention(store, edges.clock, RETENTION)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, edges: Edges, connections: InlineConnections) -> "Server":
        """Open the store; nothing runs yet."""
        vault = Vault([KEY])
        options = StoreOptions(edges.path, vault, encode_change, edges.clock, edges.new_id, connections.connect)
        return cls(edges, connections, await open_store(options))

    def start(self, listener: CommitListener) -> None:
        """Let everything run."""
        self.store.listen(listener)
        self.store.listen(self.feed.publish)
        self.store.listen(lambda _: self._delivery_loop.nudge())
        for run in (self._check_loop.run, self._delivery_loop.run, self._retention.run):
            self._tasks.append(asyncio.create_task(run()))

    @property
    def busy(self) -> bool:
        """Whether a check, or anything at the store, is under way."""
        loop = self._check_loop
        return bool(self.connections.working or loop._running or loop._finished)

    async def stop(self) -> None:
        """End in good order."""
        self.feed.drain()
        await self._end_loops()
        await self.store.close()

    def die(self) -> None:
        """End right now, in the middle of everything. The tasks left are the caller's to cancel."""
        self.connections.kill()
        self.store._lock.close()

    def broken(self) -> BaseException | None:
        """Why a loop, or the store, ended by itself."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                return task.exception()
        failed = self.store.writer.failed
        return failed.result() if failed.done() else None

    async def _end_loops(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _checked(self, reason: str) -> None:
        self.checks[reason] += 1
