"""Killed at any moment, again and again: nothing that was committed is lost, and everything owed is delivered."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import watch_pb2 as watch_pb
from calguard_sandbox import Sandbox, SandboxOptions
from tests.crash.battered import BatteredServer, Told, battered_server
from tests.crash.connecting import connect
from tests.e2e.backend import settings_for
from tests.e2e.stubs import ALL, ANY, AUTO, UNDER_WAY
from tests.e2e.watching import DELETED, id_of
from tests.patience import PATIENCE_SECONDS
from tests.torture.writers import PageWriter, keep

KILLS = 12
GAP = (6, 60)
LATE = 0.05
"""A kill comes up to so many seconds after what was observed."""

OTHERS = [f"other-{number}" for number in range(4)]
"""Accounts without calendars, whose pages nobody is told of."""

MODES = {"all": ALL, "any": ANY, "auto": AUTO}
LINKED, DEGRADED, STOPPED = (
    pages_pb.BOOKING_PAGE_STATE_LINKED,
    pages_pb.BOOKING_PAGE_STATE_DEGRADED,
    pages_pb.BOOKING_PAGE_STATE_STOPPED,
)
STOP, ANOTHER, AGAIN = "PAGE_STOPPED", "MEMBER_FAULTY", "PAGE_RESTARTED"
KIND_OF = {"Booking page stopped": STOP, "Another calendar fails": ANOTHER, "Accepting bookings again": AGAIN}
WRITTEN_IN_BATCHES = ("last_check_time", "next_check_time", "consecutive_failures")


class Story:
    """Ann's and Ben's calendars fail and are connected again, round after round, around Olga's pages of each mode."""

    def __init__(self, server: BatteredServer, sandbox: Sandbox) -> None:
        self.server = server
        self.sandbox = sandbox
        self.owed: Counter[Told] = Counter()
        self.links: dict[str, str] = {}
        self._calls = 0

    async def begin(self) -> None:
        for name in ("ann", "ben", "olga"):
            account = accounts_pb.Account(id=name, display_name=name.title(), email=f"{name}@example.com")
            await self._create("accounts", accounts_pb.CreateAccountRequest(account=account))
        for name in OTHERS:
            other = accounts_pb.Account(id=name, display_name=name)
            await self._create("accounts", accounts_pb.CreateAccountRequest(account=other))
        for name in ("ann", "ben"):
            await self.connect(name)
        for page_id, mode in MODES.items():
            page = pages_pb.BookingPage(
                id=page_id,
                owner_account_id="olga",
                title=f"Page {page_id}",
                scheduling_mode=mode,
                members=[pages_pb.BookingPageMember(account_id=name) for name in ("ann", "ben")],
            )
            await self._create("pages", pages_pb.CreateBookingPageRequest(booking_page=page))
        await self.expect(all=LINKED, any=LINKED, auto=LINKED)

    async def round(self) -> None:
        await self.revoke("ann")
        await self.expect(all=STOPPED, any=DEGRADED, auto=DEGRADED)
        await self.tell(STOP, ["all"], "olga", "ann")
        await self.revoke("ben")
        await self.expect(all=STOPPED, any=STOPPED, auto=STOPPED)
        await self.tell(ANOTHER, ["all"], "olga", "ben")
        await self.tell(STOP, ["any", "auto"], "olga", "ann", "ben")
        await self.connect("ann")
        await self.expect(all=STOPPED, any=DEGRADED, auto=DEGRADED)
        await self.tell(AGAIN, ["any", "auto"], "olga", "ann", "ben")
        await self.connect("ben")
        await self.expect(all=LINKED, any=LINKED, auto=LINKED)
        await self.tell(AGAIN, ["all"], "olga", "ann", "ben")

    async def connect(self, name: str) -> None:
        link = await connect(self.server, self.sandbox, name, self.links.get(name, ""))
        assert link.state == links_pb.CALENDAR_LINK_STATE_LINKED
        assert self.links.setdefault(name, link.id) == link.id

    async def revoke(self, name: str) -> None:
        assert self.sandbox.google.revoke(f"{name}@example.com")
        link = await self.server.call(lambda stubs: stubs.check(self.links[name]))
        assert link.state == links_pb.CALENDAR_LINK_STATE_FAILED

    async def expect(self, **states: int) -> None:
        pages = await self.server.call(lambda stubs: stubs.all_pages())
        assert {page.id: page.state for page in pages if page.id in MODES} == states

    async def tell(self, kind: str, pages: list[str], *names: str) -> None:
        """Owe it, and wait until nothing is on its way any more: what is over before it is told is told to nobody."""
        self.owed.update(
            (channel, name, kind, page) for channel in ("EMAIL", "SLACK") for name in names for page in pages
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            while any(notice.state in UNDER_WAY for notice in await self.notices()):
                pass

    async def notices(self) -> list[notices_pb.Notification]:
        return await self.server.call(lambda stubs: stubs.notifications(), observed=False)

    async def ledger(self) -> list[notices_pb.Notification]:
        """Every notice that there ever was, page by page."""
        read: list[notices_pb.Notification] = []
        request = notices_pb.ListNotificationsRequest(page_size=1000)
        while True:
            listed = await self.server.call(lambda stubs: stubs.notices.ListNotifications(request))
            read += listed.notifications
            if not listed.next_page_token:
                return read
            request.page_token = listed.next_page_token

    async def _create(self, service: str, request: Message) -> None:
        self._calls += 1
        request.request_id = str(UUID(int=self._calls, version=4))  # type: ignore[attr-defined]
        method = request.DESCRIPTOR.name.removesuffix("Request")
        await self.server.call(lambda stubs: getattr(getattr(stubs, service), method)(request))


def recorded(notices: list[notices_pb.Notification]) -> Counter[Told]:
    """What the ledger says was sent; each notice names its own page first."""
    assert {notice.state for notice in notices} == {notices_pb.NOTIFICATION_STATE_SENT}
    return Counter(
        (
            notices_pb.NotificationChannel.Name(notice.channel).removeprefix("NOTIFICATION_CHANNEL_"),
            notice.recipient_account_id,
            notices_pb.NotificationKind.Name(notice.kind).removeprefix("NOTIFICATION_KIND_"),
            notice.booking_page_ids[0],
        )
        for notice in notices
    )


def delivered(sandbox: Sandbox) -> Counter[Told]:
    """What people have got, page by page."""
    got: Counter[Told] = Counter()
    for mail in sandbox.mail.received.records:
        got.update(_told("EMAIL", mail.recipients[0], mail.subject, mail.text))
    for post in sandbox.slack.messages.records:
        got.update(_told("SLACK", post.user_email or "", post.text.splitlines()[0], str(post.blocks)))
    return got


def _told(channel: str, address: str, subject: str, text: str) -> list[Told]:
    kind = KIND_OF[subject.partition(":")[0]]
    name = address.removesuffix("@example.com")
    return [(channel, name, kind, page) for page in MODES if f"Page {page} " in text or f"Page {page}\n" in text]


def mirror_of(changes: list[watch_pb.StateChange]) -> dict[str, Any]:
    """What somebody has who knows nothing but the watch."""
    held: dict[str, Any] = {}
    for change in changes:
        if change.type == DELETED:
            del held[id_of(change)]
        else:
            held[id_of(change)] = comparable(getattr(change, change.WhichOneof("resource")))
    return held


def comparable(resource: Any) -> Any:  # noqa: ANN401 - a link or a page
    """The resource without what is written in batches, and told of with the next change only."""
    for name in WRITTEN_IN_BATCHES:
        if name in resource.DESCRIPTOR.fields_by_name:
            resource.ClearField(name)
    return resource


async def play(folder: Path, seed: int, kills: int, load: int, tell: Callable[[str], None]) -> Counter[str]:
    """Play rounds until so many kills, beside so many who change pages of their own; compare everything; the counts.

    A message is repeated only where it was being sent at a kill.
    """
    database, chance = folder / "calguard.db", random.Random(seed)
    async with Sandbox(SandboxOptions(seed="crash")) as sandbox:
        settings = settings_for(sandbox, database) | {"check_interval": "1h", "progress_interval": "2s"}
        environment = {f"CALGUARD_{name.upper()}": value for name, value in settings.items()}
        async with battered_server(environment, database, sandbox, seed, GAP, late=LATE) as server:
            await server.watching()
            story = Story(server, sandbox)
            writers = [PageWriter(server, each, OTHERS, random.Random(chance.getrandbits(64))) for each in range(load)]
            server.arm()
            await story.begin()
            async with asyncio.TaskGroup() as group:
                for writer in writers:
                    group.create_task(keep(writer.change, lambda: server.kills >= kills))
                while server.kills < kills:
                    await story.round()
                    tell(f"{server.kills} kills, {len(server.watched)} changes")
            server.disarm()
            await story.round()
            return await compared(story)


async def compared(story: Story) -> Counter[str]:
    """Compare state, revisions, mirrors and deliveries with what they must be."""
    server = story.server
    links = await server.call(lambda stubs: stubs.all_links())
    pages = await server.call(lambda stubs: stubs.all_pages())
    latest = max(resource.revision for resource in (*links, *pages))
    await server.watched_up_to(latest)
    assert [change.revision for change in server.watched] == list(range(1, len(server.watched) + 1))
    assert mirror_of(server.watched) == {each.id: comparable(each) for each in (*links, *pages)}
    told = recorded(await story.ledger())
    assert (told - story.owed, story.owed - told) == (Counter(), Counter())
    got = delivered(story.sandbox)
    assert story.owed - got == Counter()
    assert (got - story.owed) - server.in_flight == Counter()
    return Counter(
        {
            "kills": server.kills,
            "changes": len(server.watched),
            "messages owed": story.owed.total(),
            "messages that came twice": (got - story.owed).total(),
        }
    )


@pytest.mark.parametrize("seed", [20260302])
async def test_killed_again_and_again(tmp_path: Path, seed: int) -> None:
    """Over a dozen kills the watch has no hole and no double, everything owed is delivered, and pages are right."""
    tally = await play(tmp_path, seed, KILLS, 2, lambda _: None)
    assert tally["kills"] >= KILLS
    assert tally["messages owed"] > 0
