"""When the delivery loop sends, and how much it asks of the store meanwhile: in virtual time, over a real store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.linking import Wish
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.notifiers.message import Address, NoticeMessage
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.provider import FakeProvider, consent
from tests.fakes.service import make_account, make_page
from tests.fakes.virtual_server import Edges, Server
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import START, CountingIds, middle
from tests.integration.test_engine import REVOKED

ALL = SchedulingMode.ALL_MEMBERS


OPENED, OVER = "PROVIDER_INCIDENT_OPENED", "PROVIDER_INCIDENT_OVER"


@dataclass
class Receiver:
    """Takes what comes, with its time; answers what a test says, in turn, then that all is sent."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    outcomes: list[Outcome] = field(default_factory=list)
    received: list[tuple[datetime, str, str]] = field(default_factory=list)

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        about = " ".join(page.id for page in message.pages) or message.message_id
        self.received.append((self.clock.now(), message.kind.value, about))
        return self.outcomes.pop(0) if self.outcomes else Outcome(sent=True, address=address.email)


@dataclass
class Setting:
    """A server at work, and what is around it."""

    server: Server
    connections: InlineConnections
    provider: FakeProvider
    receiver: Receiver
    link_id: str


@asynccontextmanager
async def ann_is_linked(path: Path) -> AsyncIterator[Setting]:
    """Ann has a link and no e-mail address; she is told by Slack."""
    provider, receiver, connections = FakeProvider(), Receiver(), InlineConnections()
    edges = Edges(path, VirtualClock(), middle, CountingIds(), provider, {Channel.SLACK: receiver})
    server = await Server.open(edges, connections)
    server.start(lambda _: None)
    await server.engine.accounts.create(make_account("ann", email="", slack=SlackAddress(user_id="UANN")))
    provider.consents["code"] = consent()
    begun = await server.engine.linking.begin(Wish("ann", select_primary=True))
    link = await server.engine.linking.complete(begun.state, code="code")
    yield Setting(server, connections, provider, receiver, link.id)
    await server.stop()


def test_what_waits_for_an_earlier_notice_does_not_keep_the_loop_busy(tmp_path: Path) -> None:
    """The end of a stop is held back for an hour by a stop that is to be tried again: the loop waits, too."""

    async def story() -> None:
        async with ann_is_linked(tmp_path / "db") as setting:
            engine, clock = setting.server.engine, setting.receiver.clock
            setting.receiver.outcomes = [Outcome(sent=False, doubtful=True, retry_after=timedelta(hours=1))]
            await engine.pages.create(make_page("p1", ALL, "ann", "ann"))
            setting.provider.findings[setting.link_id] = REVOKED
            await engine.checks.check_now(setting.link_id)
            await clock.sleep(timedelta(seconds=30))
            setting.provider.findings.clear()
            await engine.checks.check_now(setting.link_id)
            done = setting.connections.done
            await clock.sleep(timedelta(minutes=9))
            assert setting.connections.done - done < 9 * 60
            await clock.sleep(timedelta(hours=1))
            assert [kind for _, kind, _ in setting.receiver.received] == ["PAGE_STOPPED", "PAGE_RESTARTED"]

    run_virtually(story())


def test_a_notice_for_another_place_waits_its_own_time(tmp_path: Path) -> None:
    """Ann's two pages stop 4 s apart, and one has a Slack channel of its own: each is told 5 s after it stopped."""

    async def story() -> None:
        async with ann_is_linked(tmp_path / "db") as setting:
            engine, clock = setting.server.engine, setting.receiver.clock
            setting.provider.findings[setting.link_id] = REVOKED
            await engine.checks.check_now(setting.link_id)
            await engine.pages.create(make_page("p1", ALL, "ann", "ann", slack=SlackAddress(channel_id="CPAGE")))
            await clock.sleep(timedelta(seconds=4))
            await engine.pages.create(make_page("p2", ALL, "ann", "ann"))
            await clock.sleep(timedelta(minutes=1))
            assert setting.receiver.received == [
                (START + timedelta(seconds=5), "PAGE_STOPPED", "p1"),
                (START + timedelta(seconds=9), "PAGE_STOPPED", "p2"),
            ]

    run_virtually(story())


def test_each_alert_is_a_message_and_an_all_clear_waits_for_its_alert(tmp_path: Path) -> None:
    """Two incidents open, one ends; the first alert is tried again after a minute, and its end is told after that."""

    async def story() -> None:
        async with ann_is_linked(tmp_path / "db") as setting:
            clock = setting.receiver.clock
            setting.receiver.outcomes = [Outcome(sent=False, retry_after=timedelta(minutes=1))]
            for incident, stage in (("i1", OPENED), ("i2", OPENED), ("i1", OVER)):
                await _owe_alerts(setting.server, incident, stage)
            await clock.sleep(timedelta(minutes=5))
            told = [about.removesuffix("-SLACK") for _, _, about in setting.receiver.received]
            assert told == ["i1-opened", "i2-opened", "i1-opened", "i1-over"]

    run_virtually(story())


async def _owe_alerts(server: Server, incident: str, stage: str) -> None:
    alerts = server.engine.alerts.of_incident(incident, stage, server.engine.context.clock.now())

    def decide(rows: WorkingSet) -> None:
        for alert in alerts:
            rows.append_delivery(alert)

    await server.store.transact(Unit(Seeds(), decide))
