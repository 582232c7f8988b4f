"""A server's life: how its parts are started, watched and ended. Tests start it in-process."""

import asyncio
from datetime import timedelta

import structlog

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.entrance import Entrance
from calguard_server.settings.server import Settings
from calguard_server.store.sqlite.store import SqliteStore
from calguard_server.telemetry.files import FileMetrics
from calguard_server.telemetry.notices import NoticeMetrics
from calguard_server.telemetry.process import process_registry
from calguard_server.telemetry.status import StatusMetrics
from calguard_server.telemetry.traces import Traces
from calguard_server.tracing_settings import TracingSettings
from calguard_server.wiring.basis import Basis, Closers, open_server_store, open_session
from calguard_server.wiring.servers import LAST_GRACE_SECONDS, bind_grpc, start_http
from calguard_server.wiring.use_cases import Engine, build_engine
from calguard_server.wiring.workers import Workers, build_workers
from calguard_server.wiring.world import World, real_world
from calguard_server.workers.store_probe import StoreProbe

_log = structlog.get_logger()

_PUT_OFF = timedelta(hours=1)
"""How long at least may pass until what is put off is tried again, as far as anything here asks for."""


class App:
    """A running server. `failed` is set when it can no longer go on; its text says what to do."""

    def __init__(self, settings: Settings, world: World, traces: Traces | None) -> None:
        self.failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._settings = settings
        self._world = world
        self._closers: Closers = []
        self._tasks: list[asyncio.Task[None]] = []
        self.registry = process_registry()
        self._writable = True
        self._traces = traces
        self._tracer: Tracer = traces or UNTRACED
        if traces is not None:
            self._closers.append(traces.close)
        self.port = 0
        self.http_port = 0

    @classmethod
    async def start(
        cls, settings: Settings, world: World | None = None, tracing: TracingSettings | None = None
    ) -> "App":
        """Start a server; when this returns, it serves.

        Raises TokensFileError, TlsFilesError, JwksError, StoreError or OSError.
        """
        world = world or real_world()
        traces = Traces(tracing.protocol, world.clock) if tracing is not None and tracing.wanted else None
        app = cls(settings, world, traces)
        try:
            await app._start()
        except BaseException:
            await app._close()
            raise
        return app

    async def stop(self) -> None:
        """Drain: tell callers, let calls under way end, then end everything. What was answered is saved."""
        self._feed.drain()
        await self._grpc.drain(self._settings.drain_timeout.total_seconds())
        await self._grpc.stop(LAST_GRACE_SECONDS)
        await self._close()

    async def _start(self) -> None:
        settings, world = self._settings, self._world
        session = open_session()
        self._closers.append(session.close)
        entrance = Entrance(settings, world.clock, self.registry, session)
        await entrance.open()
        self._store = await self._open_store()
        basis = Basis(settings, world, self.registry, self._tracer, session, self._store, self._closers)
        now = world.clock.now()
        await self._store.bring_forward(now, now + 2 * max(settings.check_interval, _PUT_OFF))
        engine = build_engine(basis, self._redirect_uri)
        self._feed = engine.feed
        self._status_metrics = self._build_status_metrics(engine)
        await engine.served.incidents.load()
        await engine.served.slack_workspaces.load()
        self._notice_metrics = NoticeMetrics(self._store, world.clock, self.registry)
        unsubscribe_tokens = UnsubscribeTokens(settings.keys)
        self._run(build_workers(basis, engine, self._notice_metrics, unsubscribe_tokens) | entrance.workers())
        trace = None if self._traces is None else self._traces.call
        self._grpc = bind_grpc(basis, engine.served, entrance, trace)
        self.port = self._grpc.port
        self.http_port = await start_http(basis, engine.served, unsubscribe_tokens, self._is_healthy, self._look)
        await self._grpc.start()
        self._watch_store()
        host = settings.listen.rpartition(":")[0]
        _log.info(f"listening on {host}:{self.port}", http_port=self.http_port or None, **entrance.described)

    async def _open_store(self) -> SqliteStore:
        store = await open_server_store(self._settings, self._world, self.registry, self._tracer)
        self._closers.append(store.close)
        FileMetrics(self._settings.database_path.resolve(), self.registry)
        return store

    def _build_status_metrics(self, engine: Engine) -> StatusMetrics:
        return StatusMetrics(
            self._store,
            engine.served.status,
            self._world.clock,
            self.registry,
            watch_lag=engine.feed.lag,
            troubled=lambda: engine.served.incidents.troubled,
            writable=lambda: self._writable,
        )

    def _redirect_uri(self) -> str:
        host = self._settings.http_listen.rpartition(":")[0] or "127.0.0.1"
        return self._settings.google_redirect_uri or f"http://{host}:{self.http_port}/oauth/callback"

    def _is_healthy(self) -> bool:
        return self._writable and not self._store.writer.failed.done()

    async def _look(self) -> None:
        """Bring up to date what `/metrics` shows and is not counted as it happens."""
        await self._notice_metrics.look()
        await self._status_metrics.look()

    async def _show_writable(self, writable: bool) -> None:  # noqa: FBT001 - as the probe tells it
        self._writable = writable
        await self._grpc.show(serving=writable)

    def _run(self, workers: Workers) -> None:
        for name, run in workers.items():
            self._supervise(asyncio.create_task(run(), name=name))
        self._closers.append(self._stop_workers)

    def _supervise(self, task: asyncio.Task[None]) -> None:
        """Take note of a worker that ends by itself: the server cannot go on without it."""
        self._tasks.append(task)
        task.add_done_callback(self._worker_ended)

    def _worker_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _watch_store(self) -> None:
        """Take note of a store that failed, and of one that cannot be written for a while."""
        self._store.writer.failed.add_done_callback(lambda failed: self._fail(failed.result()))
        probe = StoreProbe(self._store, self._world.clock, self._show_writable)
        self._supervise(asyncio.create_task(probe.run(), name="store probe"))

    def _fail(self, error: Exception) -> None:
        if not self.failed.done():
            self.failed.set_result(error)

    async def _stop_workers(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _close(self) -> None:
        """End everything that was started, in reverse."""
        while self._closers:
            await self._closers.pop()()
