"""A server in virtual time, without gRPC: a real store, use cases, loops and feed, built as `wiring` builds them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from calguard_server.domain.delivery import RetryPolicy
from calguard_server.domain.follow_up import REMINDERS
from calguard_server.domain.notices import Channel
from calguard_server.engine.checks import CheckResult, Checks
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.follow_ups import FollowUps
from calguard_server.engine.ports.chance import Chance, NewId
from calguard_server.engine.ports.checks import DueLink
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.log import CommitListener
from calguard_server.engine.ports.provider import CalendarProvider
from calguard_server.grpc_api.state_change import encode_change, encode_snapshot
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.store.sqlite.opening import StoreOptions, open_store
from calguard_server.store.vault import Vault
from calguard_server.watch.feed import Feed, FeedOptions
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from calguard_server.workers.follow_up_loop import FollowUpLoop, FollowUpOptions
from calguard_server.workers.incident_review import IncidentReview
from calguard_server.workers.retention import Retention, RetentionOptions
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.service import KEY, Engine, build_engine

OPERATOR = ComposerOptions("https://app.test/{account_id}/{calendar_link_id}", "https://help.test", "ops@test", "C0PS")
FEED = FeedOptions(ring_bytes=8_000, progress_interval=timedelta(minutes=20))
RETENTION = RetentionOptions(watch_retention=timedelta(hours=2), keep_revisions=25)
POLL = timedelta(seconds=20)


@dataclass(frozen=True)
class Edges:
    """What a server is given of the world: it outlives the server.

    `handed_out` is told of each check that falls due, in the task that is to make it.
    """

    path: Path
    clock: Clock
    chance: Chance
    new_id: NewId
    provider: CalendarProvider
    notifiers: dict[Channel, NotifierHook]
    handed_out: Callable[[DueLink], None] = lambda _: None
    reminders: tuple[timedelta, ...] = REMINDERS


class _DueChecks:
    """Checks, with word of each that is handed out."""

    def __init__(self, checks: Checks, handed_out: Callable[[DueLink], None]) -> None:
        self._checks = checks
        self._handed_out = handed_out

    async def check(self, due: DueLink) -> CheckResult | None:
        self._handed_out(due)
        return await self._checks.check(due)


class Server:
    """A server at work."""

    def __init__(self, edges: Edges, connections: InlineConnections, engine: Engine) -> None:
        self.connections = connections
        self.engine = engine
        self.store = store = engine.store
        self.checks: Counter[str] = Counter()
        self.feed = Feed(store, encode_snapshot, edges.clock, edges.chance, FEED, store.writer.revision)
        self._check_loops = [self._check_loop(edges, failing=failing) for failing in (False, True)]
        self._review = IncidentReview(engine.incidents, edges.clock, engine.context.policies.incident.window)
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
        self._follow_ups = FollowUpLoop(
            store, FollowUps(engine.context), edges.clock, self._delivery_loop.nudge, FollowUpOptions(POLL)
        )
        self._retention = Retention(store, edges.clock, RETENTION)
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, edges: Edges, connections: InlineConnections) -> "Server":
        """Open the store; nothing runs yet."""
        vault = Vault([KEY])
        options = StoreOptions(edges.path, vault, encode_change, edges.clock, edges.new_id, connections.connect)
        store = await open_store(options)
        context = Context(store, edges.clock, edges.new_id, edges.chance, Policies(reminders=edges.reminders))
        engine = await build_engine(context, edges.provider, frozenset({Channel.EMAIL, Channel.SLACK}))
        return cls(edges, connections, engine)

    def _check_loop(self, edges: Edges, *, failing: bool) -> CheckLoop:
        policy = self.engine.context.policies.schedule
        interval = policy.retry_interval_max if failing else policy.check_interval
        return CheckLoop(
            self.store,
            _DueChecks(self.engine.checks, edges.handed_out),  # type: ignore[arg-type] - all that the loop calls
            edges.clock,
            CheckPace(self.store, PaceOptions(interval), failing=failing),
            CheckLoopOptions(failing, poll_interval=POLL),
            self._checked,
        )

    def start(self, listener: CommitListener) -> None:
        """Let everything run."""
        self.store.listen(listener)
        self.store.listen(self.feed.publish)
        self.store.listen_for_deliveries(self._delivery_loop.nudge)
        workers = (self._review, self._delivery_loop, self._follow_ups, self._retention, self.feed)
        for worker in (*self._check_loops, *workers):
            self._tasks.append(asyncio.create_task(worker.run()))

    @property
    def busy(self) -> bool:
        """Whether a check, or anything at the store, is under way."""
        return bool(self.connections.working or any(loop._taken for loop in self._check_loops))

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

    def _checked(self, reason: str, _seconds: float) -> None:
        self.checks[reason] += 1
