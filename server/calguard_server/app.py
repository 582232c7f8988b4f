"""The wiring: the only place that knows every part. A started App is one whole server; tests start it in-process."""

import asyncio
import gc
import random
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version

import aiohttp
import structlog

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.channels import Parts, hooks_of, operator_channels, served_channels
from calguard_server.domain.delivery import RetryPolicy
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.provider_incident import IncidentPolicy
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from calguard_server.engine.accounts import Accounts
from calguard_server.engine.appointments import Appointments
from calguard_server.engine.availability_query import Availability
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.checks import Checks
from calguard_server.engine.conflict_reviews import ConflictReviews
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.diagnosis import Diagnosis
from calguard_server.engine.ending import Ending
from calguard_server.engine.entries import Entries
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.follow_ups import FollowUps
from calguard_server.engine.linking import Linking
from calguard_server.engine.locks import LinkLocks
from calguard_server.engine.notifications import Notifications
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.pages import Pages
from calguard_server.engine.ports import Chance, Clock, NewId
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.engine.reports import Reports
from calguard_server.engine.revoking import GrantRevoker
from calguard_server.engine.selection import Selection
from calguard_server.engine.server_status import StatusReading
from calguard_server.engine.silences import Silences
from calguard_server.engine.slack_workspaces import SlackWorkspaces
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.entrance import Entrance
from calguard_server.google.options import GoogleOptions
from calguard_server.google.pacer import Quotas
from calguard_server.google.provider import GoogleCalendarProvider
from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.overload import OverloadOptions
from calguard_server.grpc_api.page_answers import PageAnswers
from calguard_server.grpc_api.server import GrpcServer, UseCases, build_server
from calguard_server.grpc_api.state_change import encode_change, encode_snapshot
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.server import HttpServer
from calguard_server.http_api.unsubscribe import PATH as UNSUBSCRIBE_PATH
from calguard_server.http_api.unsubscribe import Unsubscribing
from calguard_server.notifiers.slack_verifier import SlackTokenVerifier
from calguard_server.settings import Settings
from calguard_server.store.sqlite import SqliteStore, StoreOptions, open_store
from calguard_server.store.vault import Vault
from calguard_server.telemetry.calls import CallMetrics
from calguard_server.telemetry.checks import CheckMetrics
from calguard_server.telemetry.commits import CommitMetrics
from calguard_server.telemetry.files import FileMetrics
from calguard_server.telemetry.loop_lag import LoopLag
from calguard_server.telemetry.notices import NoticeMetrics
from calguard_server.telemetry.process import process_registry
from calguard_server.telemetry.reports import ReportMetrics
from calguard_server.telemetry.requests import RequestMetrics
from calguard_server.telemetry.status import StatusMetrics
from calguard_server.telemetry.traces import Traces
from calguard_server.tracing_settings import TracingSettings
from calguard_server.watch.feed import Feed, FeedOptions
from calguard_server.workers.account_loop import AccountLoopOptions
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from calguard_server.workers.clock_review import ClockReview
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from calguard_server.workers.entry_loop import EntryLoop, ReviewLoop
from calguard_server.workers.follow_up_loop import FollowUpLoop, FollowUpOptions
from calguard_server.workers.incident_review import IncidentReview
from calguard_server.workers.retention import Retention, RetentionOptions
from calguard_server.workers.slack_review import SlackReview
from calguard_server.workers.store_probe import StoreProbe

_log = structlog.get_logger()

_LAST_GRACE_SECONDS = 1.0
"""How long calls may still end when a start broke off, or after a drain."""

_PUT_OFF = timedelta(hours=1)
"""How long at least may pass until what is put off is tried again, as far as anything here asks for."""

_ENTRY_LEASE = timedelta(minutes=1)
"""How long nobody else tries what a server that is gone was adding to a calendar, besides what Google may take."""


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        """Answer the time, in UTC."""
        return datetime.now(UTC)  # noqa: TID251 - the one real clock

    def timer(self) -> float:
        """Answer seconds since some moment."""
        return time.monotonic()

    async def sleep(self, duration: timedelta) -> None:
        """Return when that much time has passed."""
        await asyncio.sleep(duration.total_seconds())  # noqa: TID251 - the one real clock


def random_id(noun: str) -> str:
    """Make an id that was never made before: the noun and 80 random bits."""
    return f"{noun}-{uuid.uuid4().hex[:20]}"  # noqa: TID251 - the one real source of ids


@contextmanager
def _naming(setting: str) -> Iterator[None]:
    """Have what is wrong with an address say which setting it is of."""
    try:
        yield
    except OSError as error:
        raise OSError(f"{setting}: {error.strerror or error}: name another address, or end what has it") from error


def tune_garbage_collector() -> None:
    """Look for cycles less often than Python does by default, and not among what was imported.

    Nearly all that is made here is freed by its reference count; looking for cycles took a sixth of the time of a
    durable change (measured by `make bench`).
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@dataclass(frozen=True, slots=True)
class World:
    """Time, ids and chance, as the app takes them; tests bring their own."""

    clock: Clock
    new_id: NewId
    chance: Chance


def real_world() -> World:
    """Answer the real time, random ids and real chance."""
    return World(SystemClock(), random_id, random.SystemRandom().random)


def google_options(settings: Settings) -> GoogleOptions:
    """Say who we are to Google, and where it is."""
    return GoogleOptions(
        client_id=settings.google_client_id,
        client_secret=Secret(settings.google_client_secret.get_secret_value()),
        redirect_uri=settings.google_redirect_uri,
        auth_uri=settings.google_auth_uri,
        token_uri=settings.google_token_uri,
        revoke_uri=settings.google_revoke_uri,
        certs_uri=settings.google_certs_uri,
        api_endpoint=settings.google_api_endpoint,
        quotas=Quotas(settings.google_quota, settings.google_user_quota),
        total_timeout=settings.google_timeout,
    )


class App:
    """A running server. `failed` is set when it can no longer go on; its text says what to do."""

    def __init__(self, settings: Settings, world: World, traces: Traces | None) -> None:
        self.failed: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()
        self._settings = settings
        self._world = world
        self._closers: list[Callable[[], Awaitable[object]]] = []
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
        traces = Traces(tracing.protocol) if tracing is not None and tracing.wanted else None
        app = cls(settings, world or real_world(), traces)
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
        await self._grpc.stop(_LAST_GRACE_SECONDS)
        await self._close()

    async def _start(self) -> None:
        # How many calls are made at once is bounded by their makers: a wait for a connection would count as silence.
        connector = aiohttp.TCPConnector(limit=0)
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        self._closers.append(session.close)
        self._entrance = Entrance(self._settings, self._world.clock, self.registry, session)
        await self._entrance.open()
        self._store = await self._open_store()
        now = self._world.clock.now()
        await self._store.bring_forward(now, now + 2 * max(self._settings.check_interval, _PUT_OFF))
        use_cases = self._build_use_cases(session)
        await self._incidents.load()
        await self._slack_workspaces.load()
        self._start_workers(session)
        with _naming("CALGUARD_LISTEN"):
            self._grpc = self._bind_grpc(use_cases)
        with _naming("CALGUARD_HTTP_LISTEN"):
            await self._start_http()
        await self._grpc.start()
        self._watch_store()
        probe = StoreProbe(self._store, self._world.clock, self._show_writable)
        self._supervise(asyncio.create_task(probe.run(), name="store probe"))
        _log.info(
            f"listening on {self._host}:{self.port}",
            http_port=self.http_port or None,
            **self._entrance.described,
        )

    def _unsubscribe_url(self, account_id: str) -> str:
        base = self._settings.public_url
        return f"{base}{UNSUBSCRIBE_PATH}{self._unsubscribe_tokens.make(account_id)}" if base else ""

    async def _open_store(self) -> SqliteStore:
        settings, world = self._settings, self._world
        self._unsubscribe_tokens = UnsubscribeTokens(settings.keys)
        options = StoreOptions(
            settings.database_path,
            Vault(settings.keys),
            encode_change,
            world.clock,
            world.new_id,
            observe=CommitMetrics(self.registry).committed,
            tracer=self._tracer,
            accept_lost_keys=settings.accept_lost_keys,
        )
        store = await open_store(options)
        self._closers.append(store.close)
        FileMetrics(settings.database_path, self.registry)
        return store

    def _build_use_cases(self, session: aiohttp.ClientSession) -> UseCases:
        context = self._context()
        if not self._settings.google_client_id:
            _log.warning("no calendar can be linked: CALGUARD_GOOGLE_CLIENT_ID is not set")
        provider = GoogleCalendarProvider(
            session, google_options(self._settings), self._world.clock, RequestMetrics(self.registry).answered
        )
        revoker, locks = GrantRevoker(self._store, provider), LinkLocks()
        self._follow_ups = FollowUps(context)
        self._alerts = OperatorAlerts(context, operator_channels(self._settings))
        self._slack_workspaces = self._build_slack_workspaces(context, session)
        self._incidents = ProviderIncidents(context, self._alerts)
        self._checks = Checks(context, provider, locks.links, self._alerts, self._incidents)
        self._linking = Linking(context, provider, revoker, locks, self._alerts, self._redirect_uri)
        self._feed = Feed(
            self._store,
            encode_snapshot,
            self._world.clock,
            self._world.chance,
            self._feed_options(),
            self._store.writer.revision,
        )
        self._store.listen(self._feed.publish)
        self._accounts = Accounts(context, revoker, locks)
        reports = Reports(context, provider, self._checks, ReportMetrics(self.registry).reported)
        failures = FailuresMet(reports.spaced_checks, self._world.clock)
        self._closers.append(failures.close)
        cached, timeout = self._settings.availability_cache, self._settings.availability_timeout
        member_times = MemberTimes(context, provider, failures, cached, timeout)
        appointments = Appointments(context, member_times)
        lease = _ENTRY_LEASE + 2 * self._settings.google_timeout
        self._conflict_reviews = ConflictReviews(context, member_times)
        self._entries = Entries(context, provider, failures, member_times.invalidate, lease)
        pages = Pages(context)
        page_answers = PageAnswers(pages.get)
        self._store.listen(page_answers.told)
        status = StatusReading(self._store, self._world.clock, version("calguard"), lambda: self._feed.streams)
        self._status_metrics = StatusMetrics(
            self._store,
            status,
            self._world.clock,
            self.registry,
            watch_lag=self._feed.lag,
            troubled=lambda: self._incidents.troubled,
            writable=lambda: self._writable,
        )
        return UseCases(
            accounts=self._accounts,
            availability=Availability(context, member_times, appointments.times_of),
            appointments=appointments,
            pages=pages,
            page_answers=page_answers,
            linking=self._linking,
            selection=Selection(context, provider, locks.links, self._checks, self._alerts),
            checks=self._checks,
            ending=Ending(context, revoker, locks),
            incidents=self._incidents,
            diagnosis=Diagnosis(context, provider, self._checks, self._alerts, self._settings.support_url),
            reports=reports,
            status=status,
            slack_workspaces=self._slack_workspaces,
            notifications=Notifications(context),
            silences=Silences(context),
            store=self._store,
            feed=self._feed,
        )

    def _build_slack_workspaces(self, context: Context, session: aiohttp.ClientSession) -> SlackWorkspaces:
        token = self._settings.slack_bot_token.get_secret_value()
        verifier = SlackTokenVerifier(self._settings.slack_base_url, session)
        return SlackWorkspaces(context, self._alerts, verifier, Secret(token) if token else None)

    def _feed_options(self) -> FeedOptions:
        settings = self._settings
        return FeedOptions(
            streams_max=settings.watch_streams,
            streams_per_caller=settings.watch_streams_per_caller,
            progress_interval=settings.progress_interval,
            lifetime=settings.watch_lifetime,
        )

    def _context(self) -> Context:
        settings = self._settings
        policies = Policies(
            link=LinkPolicy(settings.failure_threshold, settings.failure_after),
            schedule=SchedulePolicy(settings.check_interval, settings.retry_interval),
            incident=IncidentPolicy(
                settings.incident_window, settings.incident_accounts, settings.incident_share, settings.incident_hold
            ),
            notice_group_wait=settings.notice_group_wait,
            reminders=settings.reminders,
            served=served_channels(self._settings),
            assignment_window=settings.assignment_window,
        )
        return Context(self._store, self._world.clock, self._world.new_id, self._world.chance, policies)

    def _redirect_uri(self) -> str:
        host = self._settings.http_listen.rpartition(":")[0] or "127.0.0.1"
        return self._settings.google_redirect_uri or f"http://{host}:{self.http_port}/oauth/callback"

    def _start_workers(self, session: aiohttp.ClientSession) -> None:
        settings, world = self._settings, self._world
        review = IncidentReview(self._incidents, world.clock, settings.incident_window)
        self._notice_metrics = NoticeMetrics(self._store, world.clock, self.registry)
        composer = Composer(
            self._store,
            ComposerOptions(
                settings.relink_url,
                settings.support_url,
                settings.operator_email,
                settings.operator_slack_channel,
                self._unsubscribe_url,
                settings.appointment_url,
            ),
        )
        parts = Parts(settings, world.clock, session, self._store, self._slack_workspaces, self._closers)
        deliveries = DeliveryLoop(
            self._store,
            composer,
            hooks_of(parts),
            self._alerts,
            world.clock,
            world.chance,
            RetryPolicy(),
            DeliveryLoopOptions(),
            self._notice_metrics.attempted,
            self._tracer,
        )
        self._store.listen_for_deliveries(deliveries.nudge)
        follow_ups = FollowUpLoop(self._store, self._follow_ups, world.clock, deliveries.nudge, FollowUpOptions())
        entries = EntryLoop(self._store, self._entries, world.clock, AccountLoopOptions())
        self._store.listen_for_entries(entries.nudge)
        reviews = ReviewLoop(self._store, self._conflict_reviews, world.clock, AccountLoopOptions())
        self._store.listen_for_entries(reviews.nudge)
        kept = RetentionOptions(settings.watch_retention, notice_retention=settings.notice_retention)
        retention = Retention(self._store, world.clock, kept)
        workers = {
            "incidents": review.run,
            "deliveries": deliveries.run,
            "follow-ups": follow_ups.run,
            "appointment entries": entries.run,
            "appointment reviews": reviews.run,
            "retention": retention.run,
            "watches": self._feed.run,
            "loop lag": LoopLag(world.clock, self.registry).run,
            "clock": ClockReview(world.clock).run,
            "slack": SlackReview(self._slack_workspaces, world.clock).run,
            **parts.workers,
            **self._entrance.workers(),
        }
        for name, run in (*self._check_loops().items(), *workers.items()):
            self._supervise(asyncio.create_task(run(), name=name))
        self._closers.append(self._stop_workers)

    def _check_loops(self) -> dict[str, Callable[[], Coroutine[object, object, None]]]:
        metrics = CheckMetrics(self.registry)
        policy = SchedulePolicy(self._settings.check_interval, self._settings.retry_interval)
        intervals = {False: policy.check_interval, True: min(policy.retry_interval_max, policy.check_interval)}
        return {
            "checks of failing links" if failing else "checks": CheckLoop(
                self._store,
                self._checks,
                self._world.clock,
                CheckPace(self._store, PaceOptions(interval), failing=failing),
                CheckLoopOptions(failing, self._settings.check_concurrency // 2),
                metrics.checked,
                self._tracer,
            ).run
            for failing, interval in intervals.items()
        }

    def _bind_grpc(self, use_cases: UseCases) -> GrpcServer:
        calls = CallMetrics(self.registry)
        self._host, _, port = self._settings.listen.rpartition(":")
        server = build_server(
            use_cases,
            self._host,
            int(port),
            authority=self._entrance.authority,
            credentials=self._entrance.tls.credentials.server if self._entrance.tls else None,
            connection_age=self._settings.watch_lifetime,
            observe=calls.ended,
            trace=None if self._traces is None else self._traces.call,
            limits=self._limits(),
            shed=calls.shed,
        )
        self._closers.append(lambda: server.stop(_LAST_GRACE_SECONDS))
        self.port = server.port
        return server

    def _limits(self) -> Limits:
        settings = self._settings
        return Limits(
            settings.caller_rate,
            settings.caller_burst,
            settings.calls_max,
            settings.call_timeout,
            OverloadOptions(settings.overload_wait.total_seconds()),
        )

    async def _start_http(self) -> None:
        if not self._settings.http_listen:
            return
        host, _, port = self._settings.http_listen.rpartition(":")
        server = HttpServer(
            self._linking,
            lambda: self._writable and not self._store.writer.failed.done(),
            self.registry,
            CallbackPage(self._settings.support_url, self._settings.relink_url),
            Unsubscribing(self._accounts, self._unsubscribe_tokens, self._settings.support_url),
            self._look,
        )
        self.http_port = await server.start(host, int(port))
        self._closers.append(server.stop)

    async def _look(self) -> None:
        """Bring up to date what `/metrics` shows and is not counted as it happens."""
        await self._notice_metrics.look()
        await self._status_metrics.look()

    async def _show_writable(self, writable: bool) -> None:  # noqa: FBT001 - as the probe tells it
        self._writable = writable
        await self._grpc.show(serving=writable)

    def _supervise(self, task: asyncio.Task[None]) -> None:
        """Take note of a worker that ends by itself: the server cannot go on without it."""
        self._tasks.append(task)
        task.add_done_callback(self._worker_ended)

    def _worker_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _watch_store(self) -> None:
        self._store.writer.failed.add_done_callback(lambda failed: self._fail(failed.result()))

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
