"""A whole server in this process, in front of a sandbox, on a clock that a test moves; tests speak to it over gRPC."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import grpc
import grpc.aio
from cryptography.fernet import Fernet
from prometheus_client import generate_latest
from structlog.typing import EventDict

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.app import App
from calguard_server.settings.server import read_settings
from calguard_server.store.connection import LOCK_PATIENCE
from calguard_server.wiring.world import World
from tests.e2e.bearer import carrying
from tests.e2e.stubs import UNDER_WAY, Heard, Scopes, Stubs, query_of
from tests.fakes.world import CountingIds, ManualClock, middle
from tests.leaks import MAIL_PASSWORD, emitted
from tests.patience import PATIENCE_SECONDS

OPERATOR = "ops@example.com"
_STEP = timedelta(milliseconds=100)
_SMALL_STEP = timedelta(milliseconds=10)
_LOOKS_MANY = 300
T = TypeVar("T")
_HOST = "127.0.0.1:0"


@dataclass
class Backend(Stubs):
    """A running App and all that is around it. `restart` starts another App on the same database."""

    app: App
    sandbox: Sandbox
    clock: ManualClock
    database: Path
    overrides: dict[str, str]
    world: World
    browser: aiohttp.ClientSession
    token: str = ""
    credentials: grpc.ChannelCredentials | None = None
    channel: grpc.aio.Channel = field(init=False)
    _mail_read: int = 0
    _slack_read: int = 0

    def __post_init__(self) -> None:
        self._connect()

    def _connect(self) -> None:
        super().__init__(self.open_channel(self.token))

    def open_channel(self, token: str = "", credentials: grpc.ChannelCredentials | None = None) -> grpc.aio.Channel:
        """A channel, and connection, of its own, on which every call carries the token, if there is one."""
        address, interceptors = f"127.0.0.1:{self.app.port}", carrying(token) if token else ()
        credentials = credentials or self.credentials
        if credentials is None:
            return grpc.aio.insecure_channel(address, interceptors=interceptors)
        own = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.aio.secure_channel(address, credentials, options=own, interceptors=interceptors)

    @property
    def check_interval_at_most(self) -> timedelta:
        """After how long a healthy link has been checked, jitter included."""
        return timedelta(minutes=11)

    async def stop(self) -> None:
        emitted("/metrics", generate_latest(self.app.registry).decode())
        await self.app.stop()
        await self.channel.close()
        for mail in self.sandbox.mail.received.records:
            emitted("an e-mail", str(mail))
        for post in self.sandbox.slack.messages.records:
            emitted("a Slack message", str(post))

    async def restart(self, **overrides: str) -> None:
        """Stop the server in good order, and start it again, with some settings changed."""
        await self.stop()
        await self.start(**overrides)

    async def start(self, **overrides: str) -> None:
        """Start the server again after a stop."""
        self.overrides |= overrides
        self.app = await App.start(read_settings(**self.overrides), self.world)
        self._connect()

    async def consent(self, begun: links_pb.BeginCalendarLinkResponse, email: str, scopes: Scopes = "all") -> str:
        """Approve at Google; the address of the callback that the browser is sent to."""
        return await self.sandbox.consent(begun.authorization_url, email, scopes)

    async def code(self, begun: links_pb.BeginCalendarLinkResponse, email: str, scopes: Scopes = "all") -> str:
        return query_of(await self.consent(begun, email, scopes))["code"]

    async def open_callback(self, url: str) -> tuple[int, str]:
        """Follow the browser's redirect; the status and the page."""
        async with self.browser.get(url) as answer:
            return answer.status, await answer.text()

    async def link(
        self, account_id: str, *, email: str = "", scopes: Scopes = "all", **fields: object
    ) -> links_pb.CalendarLink:
        """Link a Google account as a person does, through the browser; its primary calendar is selected."""
        email = email or f"{account_id}@example.com"
        status, page = await self.open_callback(
            await self.consent(await self.begin(account_id, **fields), email, scopes)
        )
        assert status == 200, page
        [made] = [link for link in await self.all_links(account_id) if link.provider_email == email]
        return made

    async def relink(self, link: links_pb.CalendarLink, **fields: object) -> links_pb.CalendarLink:
        return await self.link(link.account_id, calendar_link_id=link.id, **fields)

    async def break_link(self, link: links_pb.CalendarLink) -> links_pb.CalendarLink:
        """Take the app's access away at Google, and have it found out."""
        assert self.sandbox.google.revoke(link.provider_email)
        return await self.check(link.id)

    async def soon(self, call: Awaitable[T]) -> T:
        """What a call answers, which must not take long: a server that has come to a stand fails the test."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await call

    async def pass_time(self, **duration: float) -> None:
        """Move time on, and let the checks that fall due meanwhile be made."""
        self.clock.advance(timedelta(**duration))
        await self.notifications()

    async def ticking(self, waited: Awaitable[T]) -> T:
        """Wait for something while time moves on by itself."""
        task = asyncio.ensure_future(waited)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not task.done():
                self.clock.advance(_STEP)
                await self.notifications()
        return await task

    async def until_logged(
        self, logs: list[EventDict], event: str, problem: str = "", within: timedelta = timedelta(seconds=20)
    ) -> None:
        """Let time pass until the log has an event that begins so, with such a problem; at most so much time."""
        latest = self.clock.now() + within
        while not any(each["event"].startswith(event) and problem in str(each.get("problem", "")) for each in logs):
            assert self.clock.now() < latest, f"the log does not say: {event} {problem}"
            self.clock.advance(_STEP)
            await self.notifications()

    async def settled(self) -> list[notices_pb.Notification]:
        """Every notification, newest first, once none is on its way any more; time moves on meanwhile."""
        return await self.until(lambda notices: all(notice.state not in UNDER_WAY for notice in notices))

    async def until(self, reached: Callable[[list[notices_pb.Notification]], bool]) -> list[notices_pb.Notification]:
        """The notifications once they are as wished; time moves on while none is being sent."""
        before: list[notices_pb.Notification] = []
        looks = 0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reached(notices := await self.notifications()):
                looks = looks + 1 if notices == before else 0
                before = notices
                self._move_on([notice for notice in notices if notice.state in UNDER_WAY], looks)
        return notices

    def wake_workers(self, looks: int) -> None:
        """Move time on by a little, so that a worker that went to sleep just now looks again.

        Where many looks in a row saw nothing new, the disk is slow: time must not run past the lease of a claim then.
        """
        if looks < _LOOKS_MANY or looks % _LOOKS_MANY == 0:
            self.clock.advance(_SMALL_STEP)

    def _move_on(self, under_way: list[notices_pb.Notification], looks: int) -> None:
        """Move time to the next attempt; where one is due already, see to it that it is made."""
        if any(notice.state == notices_pb.NOTIFICATION_STATE_SENDING for notice in under_way):
            return
        now = self.clock.now()
        due = min((notice.next_attempt_time.ToDatetime(UTC) for notice in under_way), default=now)
        if due > now:
            self.clock.advance(due - now)
        else:
            self.wake_workers(looks)

    def heard(self, *, after_mail: int = 0, after_slack: int = 0) -> list[Heard]:
        """Who got which message by which channel, sorted."""
        mails = [
            ("EMAIL", recipient, entry.record.subject)
            for entry in self.sandbox.mail.received.after(after_mail)
            for recipient in entry.record.recipients
        ]
        posts = [
            ("SLACK", entry.record.user_email or entry.record.channel_name, entry.record.text.splitlines()[0])
            for entry in self.sandbox.slack.messages.after(after_slack)
        ]
        return sorted(mails + posts)

    async def heard_since_settled(self) -> list[Heard]:
        """What was heard since this was asked last, once all that is owed was sent."""
        await self.settled()
        return self.newly_heard()

    def newly_heard(self) -> list[Heard]:
        """What was heard since this, or `heard_since_settled`, was asked last."""
        heard = self.heard(after_mail=self._mail_read, after_slack=self._slack_read)
        self._mail_read = self.sandbox.mail.received.last
        self._slack_read = self.sandbox.slack.messages.last
        return heard

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds: for what must NOT be there, which no call can tell."""
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()


@asynccontextmanager
async def running_backend(
    folder: Path,
    token: str = "",
    credentials: grpc.ChannelCredentials | None = None,
    lock_patience: timedelta = LOCK_PATIENCE,
    **overrides: str,
) -> AsyncIterator[Backend]:
    """Start a sandbox and a server; `overrides` are settings, `token` and `credentials` what the backend calls with.

    Ids hold the folder's name: no two backends share one.
    """
    clock, ids = ManualClock(), CountingIds()
    world = World(clock, lambda noun: ids(f"{noun}-{folder.name.replace('_', '-')[:20]}"), middle, lock_patience)
    async with (
        Sandbox(
            SandboxOptions(seed="e2e", smtp_user="calguard", smtp_password=MAIL_PASSWORD), now=clock.now
        ) as sandbox,
        aiohttp.ClientSession() as browser,
    ):
        settings = settings_for(sandbox, folder / "calguard.db") | overrides
        app = await App.start(read_settings(**settings), world)
        backend = Backend(app, sandbox, clock, folder / "calguard.db", settings, world, browser, token, credentials)
        try:
            yield backend
        finally:
            await backend.stop()


def settings_for(sandbox: Sandbox, database: Path) -> dict[str, str]:
    """The settings of a server in front of a sandbox, by their names in `Settings`."""
    of_sandbox = sandbox.server_environment().items()
    return {name.removeprefix("CALGUARD_").lower(): value for name, value in of_sandbox} | {
        "token_keys": Fernet.generate_key().decode(),
        "listen": _HOST,
        "http_listen": _HOST,
        "database_url": f"sqlite:///{database}",
        "notice_group_wait": "0s",
        "drain_timeout": "1s",
        "google_quota": "10000000",  # nothing is paced while the clock stands still
        "google_user_quota": "10000000",
        "caller_rate": "0",  # a test may ask as often as it likes, also on a busy machine
        "overload_wait": "0s",
        "operator_email": OPERATOR,
        "operator_slack_channel": sandbox.slack.channel("ops").id,
    }
