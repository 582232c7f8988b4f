"""The loops over a real store, with a clock that the test moves: checks as they fall due, deliveries until sent."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.delivery import DeliveryState, Outcome, RetryPolicy
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.filters import LinkFilter, NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.ports.provider import Probe, ProbeRequest
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from tests.fakes.service import Service, of_each_channel, running_service
from tests.fakes.world import middle
from tests.integration.test_engine import REVOKED
from tests.patience import PATIENCE_SECONDS

T = TypeVar("T")


@dataclass
class Receiver:
    """A notifier that answers what a test says, in turn, then that all is sent; it can be made to hang or to break."""

    outcomes: list[Outcome] = field(default_factory=list)
    received: list[tuple[NoticeMessage, Address]] = field(default_factory=list)
    hangs: bool = False
    breaks: int = 0

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        self.received.append((message, address))
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if self.breaks:
            self.breaks -= 1
            raise RuntimeError("a fault of our own")
        return self.outcomes.pop(0) if self.outcomes else Outcome(sent=True, address=address.email)


@dataclass
class Deliveries:
    """A delivery loop at work."""

    service: Service
    loop: DeliveryLoop
    email: Receiver
    slack: Receiver

    async def settled(self, channel: Channel, state: DeliveryState) -> list[Notification]:
        """Wait until every notification of a channel is in a state, and answer them."""

        async def look() -> list[Notification]:
            self.loop.nudge()
            listed = await self.service.store.notifications(NotificationFilter(), 0, 100)
            mine = [each for each in listed if each.delivery.channel is channel]
            return mine if mine and all(each.delivery.state is state for each in mine) else []

        return await eventually(look)


async def eventually(look: Callable[[], Awaitable[T]]) -> T:
    """Look again and again until something is seen; each look asks the store, so others get their turn."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (seen := await look()):
            pass
    return seen


@asynccontextmanager
async def delivering(service: Service) -> AsyncIterator[Deliveries]:
    email, slack = Receiver(), Receiver()
    composer = Composer(
        service.store,
        ComposerOptions("https://app.test/{account_id}/{calendar_link_id}", "https://help.test", "ops@example.com"),
    )
    loop = DeliveryLoop(
        service.store,
        composer,
        {Channel.EMAIL: email, Channel.SLACK: slack},
        OperatorAlerts(service.context, frozenset({Channel.EMAIL})),
        service.clock,
        middle,
        RetryPolicy(),
        DeliveryLoopOptions(),
    )
    task = asyncio.create_task(loop.run())
    try:
        yield Deliveries(service, loop, email, slack)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def stop_pages(service: Service, *pages: str) -> CalendarLink:
    await service.add_account("ann")
    link = await service.link("ann")
    for page in pages:
        await service.add_page(page, SchedulingMode.ALL_MEMBERS, "ann", "ann")
    service.provider.findings[link.id] = REVOKED
    return await service.checks.check_now(link.id)


async def test_one_message_lists_all_pages_and_says_what_to_do(tmp_path: Path) -> None:
    """Three pages of one owner who is at fault: one e-mail and one Slack message, with the relink address."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        link = await stop_pages(service, "p1", "p2", "p3")
        sent = await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        await deliveries.settled(Channel.SLACK, DeliveryState.SENT)
        assert len(deliveries.email.received) == len(deliveries.slack.received) == 1
        message, address = deliveries.email.received[0]
        assert {page.id for page in message.pages} == {"p1", "p2", "p3"}
        assert (message.is_owner, message.is_at_fault) == (True, True)
        assert message.faults[0].relink_url == f"https://app.test/ann/{link.id}"
        assert address.email == "ann@example.com"
        assert [set(each.booking_page_ids) for each in sent] == [{"p1", "p2", "p3"}] * 3


async def test_a_passing_failure_is_tried_again_and_a_permanent_one_is_dead(tmp_path: Path) -> None:
    """E-mail is retried after its wait; Slack, refused for good, is DEAD, and the operator is alerted of it."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        deliveries.email.outcomes = [Outcome(sent=False, detail="421 later", retry_after=timedelta(minutes=2))]
        deliveries.slack.outcomes = [Outcome(sent=False, permanent=True, detail="users_not_found")]
        await stop_pages(service, "p1")
        (dead,) = await deliveries.settled(Channel.SLACK, DeliveryState.DEAD)
        assert (dead.delivery.last_error, dead.delivery.next_attempt_time) == ("users_not_found", None)

        async def alerted() -> list[NoticeMessage]:
            deliveries.loop.nudge()
            await service.store.account("ann")  # a read, so that others get their turn
            messages = [message for message, _ in deliveries.email.received]
            return [message for message in messages if message.kind is NoticeKind.OPERATOR_ALERT]

        assert await eventually(alerted)
        service.clock.advance(timedelta(minutes=2))
        sent = await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        stopped = [each for each in sent if each.delivery.kind is NoticeKind.PAGE_STOPPED]
        assert [each.delivery.attempts for each in stopped] == [2]


async def test_members_that_fail_together_are_told_of_together(tmp_path: Path) -> None:
    """Six members of one page fail at once: the owner hears that it stopped, then once of all the others."""
    names = [f"m{number}" for number in range(6)]
    async with running_service(tmp_path / "db") as service:
        for name in ("owner", *names):
            await service.add_account(name)
        links = [await service.link(name) for name in names]
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "owner", *names)
        for link in links:
            service.provider.findings[link.id] = REVOKED
            await service.checks.check_now(link.id)
        async with delivering(service) as deliveries:
            await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
            told = [message for message, address in deliveries.email.received if address.email == "owner@example.com"]
            assert [message.kind for message in told] == [NoticeKind.PAGE_STOPPED, NoticeKind.MEMBER_FAULTY]
            assert [len(message.faults) for message in told] == [1, 5]


async def test_what_is_tried_again_stays_one_message(tmp_path: Path) -> None:
    """Three pages' notices that failed together are sent together."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        deliveries.email.outcomes = [Outcome(sent=False, detail="421 later")]
        await stop_pages(service, "p1", "p2", "p3")
        waiting = await deliveries.settled(Channel.EMAIL, DeliveryState.RETRYING)
        assert len({each.delivery.next_attempt_time for each in waiting}) == 1
        service.clock.advance(timedelta(seconds=5))
        await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        assert [len(message.pages) for message, _ in deliveries.email.received] == [3, 3]


async def test_a_channel_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    """Slack never answers; the e-mail arrives all the same."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        deliveries.slack.hangs = True
        await stop_pages(service, "p1")
        await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        (waiting,) = await deliveries.settled(Channel.SLACK, DeliveryState.SENDING)
        assert waiting.delivery.attempts == 0


async def test_what_is_no_longer_true_is_not_sent(tmp_path: Path) -> None:
    """The page came back before the notice went out: it is SUPPRESSED, and nobody hears of the end either."""
    async with running_service(tmp_path / "db") as service:
        link = await stop_pages(service, "p1")
        service.provider.findings.clear()
        await service.checks.check_now(link.id)
        async with delivering(service) as deliveries:
            (dropped,) = await deliveries.settled(Channel.EMAIL, DeliveryState.SUPPRESSED)
            await deliveries.settled(Channel.SLACK, DeliveryState.SUPPRESSED)
        assert dropped.delivery.last_error == "INCIDENT_OVER"
        assert deliveries.email.received == deliveries.slack.received == []


async def test_a_stopped_page_changes_hands(tmp_path: Path) -> None:
    """The new owner is told of the stop; its end is told to all who were told, but for who is gone."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        for name in ("olga", "cleo"):
            await service.add_account(name)
        await service.add_account("ann", email="", slack=SlackAddress(user_id="UANN"))
        link = await service.link("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "olga", "ann")
        service.provider.findings[link.id] = REVOKED
        await service.checks.check_now(link.id)
        for owner in ("cleo", "ann"):
            await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
            await service.pages.update("p1", {"owner_account_id": owner})
        await deliveries.settled(Channel.SLACK, DeliveryState.SENT)
        told = [(message.kind.value, message.recipient_id) for message, _ in deliveries.email.received]
        assert told == [("PAGE_STOPPED", "olga"), ("PAGE_STOPPED", "cleo")]
        await service.accounts.delete("olga")
        service.provider.findings.clear()
        await service.checks.check_now(link.id)

        async def all_is_told() -> list[Notification]:
            deliveries.loop.nudge()
            ends = [
                each
                for each in await service.store.notifications(NotificationFilter(), 0, 100)
                if each.delivery.kind is NoticeKind.PAGE_RESTARTED and not each.delivery.state.open
            ]
            return ends if len(ends) == 5 else []

        ends = {
            (each.delivery.recipient_account_id, each.delivery.channel.value): each.delivery.last_error
            for each in await eventually(all_is_told)
        }
        gone = "RECIPIENT_GONE"
        assert ends == {
            ("olga", "EMAIL"): gone,
            ("olga", "SLACK"): gone,
            ("cleo", "EMAIL"): "",
            ("cleo", "SLACK"): "",
            ("ann", "SLACK"): "",
        }


async def test_what_a_dead_process_had_claimed_is_sent_by_the_next(tmp_path: Path) -> None:
    """A claim without an outcome is given back at the start."""
    async with running_service(tmp_path / "db") as service:
        await stop_pages(service, "p1")
        await service.store.claim_deliveries(service.clock.now(), timedelta(hours=1), of_each_channel(10))
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        assert len(deliveries.email.received) == 1


async def test_a_delivery_that_breaks_off_is_sent_when_its_lease_ends(tmp_path: Path) -> None:
    """Be it by a fault of our own: the notice is claimed again, and the other channel has not waited for it."""
    async with running_service(tmp_path / "db") as service, delivering(service) as deliveries:
        deliveries.email.breaks = 1
        await stop_pages(service, "one")
        await deliveries.settled(Channel.SLACK, DeliveryState.SENT)
        [claimed] = await deliveries.settled(Channel.EMAIL, DeliveryState.SENDING)
        assert claimed.delivery.attempts == 0
        service.clock.advance(DeliveryLoopOptions().lease)
        await deliveries.settled(Channel.EMAIL, DeliveryState.SENT)
        assert (len(deliveries.email.received), len(deliveries.slack.received)) == (2, 1)


@asynccontextmanager
async def checking(service: Service, concurrency: int = 4) -> AsyncIterator[list[str]]:
    reasons: list[str] = []
    tasks = [
        asyncio.create_task(
            CheckLoop(
                service.store,
                service.checks,
                service.clock,
                CheckPace(service.store, PaceOptions(timedelta(minutes=10), least_per_second=1000), failing=failing),
                CheckLoopOptions(failing, concurrency),
                lambda reason, _: reasons.append(reason),
            ).run()
        )
        for failing in (False, True)
    ]
    try:
        yield reasons
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _linked(service: Service, count: int) -> list[CalendarLink]:
    links = []
    for number in range(count):
        await service.add_account(f"a{number}")
        links.append(await service.link(f"a{number}"))
    return links


async def _rescheduled(service: Service, count: int) -> list[CalendarLink]:
    now = service.clock.now()
    links = await service.store.links(LinkFilter(), "", 1000)
    saved = [link for link in links if link.next_check_time is not None and link.next_check_time > now]
    return saved if len(saved) == count else []


async def _rescheduled_in_time(service: Service, count: int) -> list[CalendarLink]:
    service.clock.advance(timedelta(seconds=1))
    return await _rescheduled(service, count)


async def test_a_due_link_is_checked_and_a_check_that_changes_nothing_makes_no_event(tmp_path: Path) -> None:
    """Its times are saved, the log does not grow."""
    async with running_service(tmp_path / "db") as service:
        await _linked(service, 20)
        service.clock.advance(timedelta(minutes=16))
        revision = await service.store.revision()
        async with checking(service) as reasons:
            links = await eventually(lambda: _rescheduled(service, 20))
        assert {link.last_check_time for link in links} == {service.clock.now()}
        assert await service.store.revision() == revision
        assert reasons == ["HEALTHY"] * 20


async def test_a_check_that_hangs_holds_up_nothing_but_its_link(tmp_path: Path) -> None:
    """Google never answers for one link; all others are checked, within the bound on concurrency."""
    async with running_service(tmp_path / "db") as service:
        links = await _linked(service, 30)
        probe, most = service.provider.probe, 0
        running = 0

        async def hanging(request: ProbeRequest) -> Probe:
            nonlocal running, most
            running += 1
            most = max(most, running)
            if request.calendar_link_id == links[7].id:
                await asyncio.get_running_loop().create_future()
            answer = await probe(request)
            running -= 1
            return answer

        service.provider.probe = hanging  # type: ignore[method-assign]
        service.clock.advance(timedelta(minutes=16))
        async with checking(service, concurrency=4):
            await eventually(partial(_rescheduled_in_time, service, 29))
        assert most <= 4


async def test_a_check_that_breaks_off_is_made_again_soon(tmp_path: Path) -> None:
    """A fault of our own is not the link's: it stays as it is, is put off by 15 s, and the others are checked."""
    async with running_service(tmp_path / "db") as service:
        links = await _linked(service, 3)
        probe, broken = service.provider.probe, True

        async def breaking(request: ProbeRequest) -> Probe:
            if broken and request.calendar_link_id == links[1].id:
                raise RuntimeError("a fault of our own")
            return await probe(request)

        service.provider.probe = breaking  # type: ignore[method-assign]
        service.clock.advance(timedelta(minutes=11))
        async with checking(service) as reasons:
            saved = {link.id: link for link in await eventually(lambda: _rescheduled(service, 3))}
            put_off = saved[links[1].id]
            assert put_off.next_check_time == service.clock.now() + timedelta(seconds=15)
            assert (put_off.state, put_off.revision) == (LinkState.LINKED, links[1].revision)
            assert reasons == ["HEALTHY"] * 2
            broken = False

            async def made_again() -> bool:
                service.clock.advance(timedelta(seconds=1))
                current = await service.store.link(links[1].id)
                return current is not None and current.last_check_time != put_off.last_check_time

            await eventually(made_again)
        assert reasons == ["HEALTHY"] * 3


async def test_a_failing_link_fails_past_the_threshold_only(tmp_path: Path) -> None:
    """5xx degrade the link at once, and fail it after three in a row and ten minutes, by the loop's own checks."""
    async with running_service(tmp_path / "db") as service:
        (link,) = await _linked(service, 1)
        service.provider.findings[link.id] = (Finding(CauseReason.PROVIDER_UNAVAILABLE),)
        states: list[LinkState] = []

        async def checked_at(due: datetime) -> CalendarLink | None:
            service.clock.advance(timedelta(seconds=1))
            current = await service.store.link(link.id)
            checked = current is not None and current.last_check_time is not None and current.last_check_time >= due
            return current if checked else None

        async with checking(service):
            while LinkState.FAILED not in states:
                current = await service.store.link(link.id)
                assert current is not None
                assert current.next_check_time is not None
                current = await eventually(partial(checked_at, current.next_check_time))
                assert current is not None
                states.append(current.state)
        assert states.count(LinkState.DEGRADED) >= 2
        assert states[-1] is LinkState.FAILED
