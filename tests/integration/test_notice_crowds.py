"""Many notices at once, and the same ones again and again: how many messages come of them, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from calguard_server.domain.account import Channel
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.linking import Wish
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.workers.delivery_loop import DeliveryLoopOptions
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.provider import FakeProvider, consent
from tests.fakes.service import make_account, make_page
from tests.fakes.virtual_server import Edges, Server
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import CountingIds, middle
from tests.integration.test_engine import REVOKED
from tests.integration.virtual_harness import in_parts

ALL = SchedulingMode.ALL_MEMBERS
SECOND = timedelta(seconds=1)
OWNERS, PAGES = 10_000, 500


@dataclass
class Receiver:
    """Takes a while for each message; counts them, and how many it has at a time."""

    clock: VirtualClock
    takes: timedelta = timedelta()
    received: list[tuple[datetime, str, str, int]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.clock.sleep(self.takes)
        self.at_once -= 1
        self.received.append((self.clock.now(), message.kind.value, message.recipient_id, len(message.pages)))
        return Outcome(sent=True, address=address.email)

    def told(self, recipient: str) -> list[tuple[str, int]]:
        """The kinds of messages that somebody got, each with how many pages it lists."""
        return [(kind, pages) for _, kind, whom, pages in self.received if whom == recipient]


@dataclass
class Crowd:
    """A server at work, and its two receivers."""

    server: Server
    provider: FakeProvider
    mail: Receiver
    slack: Receiver

    async def link(self, account_id: str) -> str:
        self.provider.consents[f"code-{account_id}"] = consent(f"sub-{account_id}", f"{account_id}@gmail.test")
        begun = await self.server.engine.linking.begin(Wish(account_id, select_primary=True))
        return (await self.server.engine.linking.complete(begun.state, code=f"code-{account_id}")).id

    async def turn(self, link_id: str, *, works: bool) -> None:
        """A calendar breaks, or works again, and is checked."""
        self.provider.findings[link_id] = () if works else REVOKED
        await self.server.engine.checks.check_now(link_id)


@asynccontextmanager
async def crowd(path: Path, *accounts: str) -> AsyncIterator[Crowd]:
    clock, provider = VirtualClock(), FakeProvider()
    mail, slack = Receiver(clock), Receiver(clock)
    notifiers = {Channel.EMAIL: mail, Channel.SLACK: slack}
    edges = Edges(path, clock, middle, CountingIds(), provider, notifiers)  # type: ignore[arg-type] - read only
    server = await Server.open(edges, InlineConnections())
    server.start(lambda _: None)
    for name in accounts:
        await server.engine.accounts.create(make_account(name))
    yield Crowd(server, provider, mail, slack)
    await server.stop()


def test_five_hundred_pages_are_one_e_mail_and_one_slack_message(tmp_path: Path) -> None:
    """One owner, 500 pages, one failing member: one message by each channel to each of the two, and one at the end."""

    async def story() -> None:
        async with crowd(tmp_path / "db", "olga", "ann") as here:
            link = await here.link("ann")
            pages = (make_page(f"p{number:03}", ALL, "olga", "ann") for number in range(PAGES))
            await in_parts([here.server.engine.pages.create(page) for page in pages])
            await here.turn(link, works=False)
            await asyncio.sleep(60)  # noqa: TID251 - virtual: the loop jumps
            for receiver in (here.mail, here.slack):
                assert receiver.told("olga") == receiver.told("ann") == [("PAGE_STOPPED", PAGES)]
            await here.turn(link, works=True)
            await asyncio.sleep(60)  # noqa: TID251 - virtual: the loop jumps
            for receiver in (here.mail, here.slack):
                assert receiver.told("olga")[1:] == receiver.told("ann")[1:] == [("PAGE_RESTARTED", PAGES)]

    run_virtually(story())


@pytest.mark.parametrize(("ends_well", "expected"), [(False, ["PAGE_STOPPED"]), (True, [])])
def test_a_flap_every_second_for_ten_minutes_is_one_notice_at_most(
    tmp_path: Path, expected: list[str], *, ends_well: bool
) -> None:
    """What does not last as long as a notice waits is told to nobody; how it ends is told once, and its end once."""

    async def story() -> None:
        async with crowd(tmp_path / "db", "olga", "ann") as here:
            link = await here.link("ann")
            await here.server.engine.pages.create(make_page("page", ALL, "olga", "ann"))
            for second in range(600):
                await here.turn(link, works=bool(second % 2))
                await here.mail.clock.sleep(SECOND)
            await here.turn(link, works=ends_well)
            await here.mail.clock.sleep(60 * SECOND)
            assert [kind for kind, _ in here.mail.told("olga")] == expected
            await here.turn(link, works=True)
            await here.mail.clock.sleep(60 * SECOND)
            ends = ["PAGE_RESTARTED"] * len(expected)
            for receiver in (here.mail, here.slack):
                assert [kind for kind, _ in receiver.told("olga")] == expected + ends

    run_virtually(story())


def test_a_member_that_flaps_on_a_stopped_page_is_told_of_once(tmp_path: Path) -> None:
    """Ben's calendar keeps the page stopped meanwhile; the recovery of all of it is told once, too."""

    async def story() -> None:
        async with crowd(tmp_path / "db", "olga", "ann", "ben") as here:
            ann, ben = await here.link("ann"), await here.link("ben")
            await here.server.engine.pages.create(make_page("page", ALL, "olga", "ann", "ben"))
            await here.turn(ben, works=False)
            for second in range(600):
                await here.turn(ann, works=bool(second % 2))
                await here.mail.clock.sleep(SECOND)
            await here.turn(ben, works=True)
            await here.mail.clock.sleep(60 * SECOND)
            for receiver in (here.mail, here.slack):
                told = Counter(kind for kind, _ in receiver.told("olga"))
                assert told == {"PAGE_STOPPED": 1, "MEMBER_FAULTY": 1, "PAGE_RESTARTED": 1}

    run_virtually(story())


def test_ten_thousand_incidents_at_once_are_told_at_the_receiver_s_pace(tmp_path: Path) -> None:
    """Each of 10,000 owners gets one e-mail; no more are taken from the store, or sent at once, than the loop may."""

    async def story() -> None:
        async with crowd(tmp_path / "db", "ann") as here:
            link, engine = await here.link("ann"), here.server.engine
            names = [f"o{number:05}" for number in range(OWNERS)]
            by_mail = (Channel.EMAIL,)
            await in_parts([engine.accounts.create(make_account(name, channels=by_mail)) for name in names])
            await in_parts([engine.pages.create(make_page(f"p-{name}", ALL, name, "ann")) for name in names])
            here.mail.takes, taken = timedelta(milliseconds=100), 0
            await here.turn(link, works=False)
            begun = here.mail.clock.now()
            while len(here.mail.received) <= OWNERS:  # Ann's own is the one more
                await here.mail.clock.sleep(SECOND)
                taken = max(taken, await sending(here.server))
            at_once = DeliveryLoopOptions().sending_max
            assert set(Counter(whom for _, _, whom, _ in here.mail.received).values()) == {1}
            assert here.mail.most_at_once <= at_once
            assert 0 < taken <= at_once
            seconds = (here.mail.clock.now() - begun).total_seconds()
            assert OWNERS * 0.1 / at_once <= seconds <= 2 * OWNERS * 0.1 / at_once

    run_virtually(story())


def test_a_channel_without_an_answer_takes_no_other_s_places(tmp_path: Path) -> None:
    """A hundred owners; each e-mail hangs for a minute, and all is told by Slack at once meanwhile."""

    async def story() -> None:
        async with crowd(tmp_path / "db", "ann") as here:
            link, engine = await here.link("ann"), here.server.engine
            names = [f"o{number:05}" for number in range(100)]
            await in_parts([engine.accounts.create(make_account(name)) for name in names])
            await in_parts([engine.pages.create(make_page(f"p-{name}", ALL, name, "ann")) for name in names])
            here.mail.takes = timedelta(minutes=1)
            await here.turn(link, works=False)
            await here.mail.clock.sleep(10 * SECOND)
            assert (len(here.slack.received), len(here.mail.received)) == (101, 0)
            assert here.mail.at_once == DeliveryLoopOptions().sending_max

    run_virtually(story())


async def sending(server: Server) -> int:
    """How many notices are claimed, but for those of Ann's one message, which lists all pages."""
    query = "SELECT COUNT(*) FROM deliveries WHERE state = 'SENDING' AND recipient_account_id <> 'ann'"
    return int((await server.store.writer.submit(lambda connection: connection.execute(query).fetchone()))[0])
