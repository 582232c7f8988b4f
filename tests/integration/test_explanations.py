"""Explanations over a real store: they say how pages stand, and foretell what then happens, whatever happened before.

Each history is drawn from its seed: links break, heal, degrade, end and come back, selections, members and modes
change, owners stop and resume, notices are sent or given up.
"""

import asyncio
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.errors import InvalidArgumentError, NotFoundError
from calguard_server.domain.explanation import Explanation
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import NoticeReason
from calguard_server.domain.page import BookingPage, Condition, Member, PageState, SchedulingMode, StopCause
from calguard_server.engine.ports.deliveries import DeliveryUpdate
from calguard_server.engine.ports.filters import NotificationFilter, PageFilter
from calguard_server.engine.ports.notifications import Notification
from tests.fakes.provider import PRIMARY
from tests.fakes.service import Service, of_each_channel, running_service

SESSION_ENDED = (Finding(CauseReason.SESSION_POLICY),)
REVOKED = (Finding(CauseReason.AUTHORIZATION_REVOKED),)
READ_ONLY = (Finding(CauseReason.CALENDAR_READ_ONLY, PRIMARY.id),)
LINKED_PEOPLE = ("ann", "bob", "cleo")
PEOPLE = (*LINKED_PEOPLE, "dan")
"""Dan has no link, and Cleo no address at all."""

Owing = tuple[str, str, str, tuple[str, ...]]
"""The kind of a notice, whom it tells, by which channel, and whom it names."""


@dataclass
class History:
    """What happens to four people and seven pages, and what is told of it."""

    service: Service
    chance: random.Random
    links: dict[str, str] = field(default_factory=dict)
    foretold: Counter[NoticeReason] = field(default_factory=Counter)

    async def begin(self) -> None:
        for name in (*PEOPLE, "olga"):
            await self.service.add_account(name, email="" if name == "cleo" else f"{name}@example.com")
        for name in LINKED_PEOPLE:
            self.links[name] = (await self.service.link(name)).id
        await self.service.add_page("nobody", SchedulingMode.ALL_MEMBERS, "olga")
        for mode in SchedulingMode:
            await self.service.add_page(f"{mode.value}-apart", mode, "olga", "ann", "bob")
            await self.service.add_page(f"{mode.value}-own", mode, "ann", *LINKED_PEOPLE)

    async def go_on(self) -> None:
        """Let one thing happen, and compare."""
        self.service.clock.advance(timedelta(seconds=1))
        acts = (self.breaks, self.breaks, self.heals, self.heals, self.degrades, self.unselects, self.disconnects)
        page_acts = (self.turns_by_hand, self.turns_by_hand, self.changes_members, self.changes_mode)
        kind = self.chance.random()
        if kind < 0.25:
            await self.delivers()
        elif kind < 0.35:
            await self.chance.choice(page_acts)(self.chance.choice(await self.pages()))
        else:
            await self.chance.choice(acts)(self.chance.choice(LINKED_PEOPLE))
        await self.compare_with_the_present()

    # what happens to links

    async def breaks(self, name: str) -> None:
        link = await self.link(name)
        self.service.provider.findings[link.id] = SESSION_ENDED
        if link.state is LinkState.STOPPED:
            await self.foretell(name, Condition.FAULTY, lambda: self.service.link(name, link_id=link.id))
        elif link.check_calendar_ids:
            await self.foretell(name, Condition.FAULTY, lambda: self.service.checks.check_now(link.id))

    async def heals(self, name: str) -> None:
        link = await self.link(name)
        self.service.provider.findings.pop(link.id, None)
        if link.state is LinkState.STOPPED:
            await self.foretell(name, Condition.HEALTHY, lambda: self.service.link(name, link_id=link.id))
        elif not link.check_calendar_ids and link.state is not LinkState.FAILED:
            select = self.service.selection.select
            await self.foretell(name, Condition.HEALTHY, lambda: select(link.id, (PRIMARY.id,), PRIMARY.id))
        else:
            await self.foretell(name, Condition.HEALTHY, lambda: self.service.checks.check_now(link.id))

    async def degrades(self, name: str) -> None:
        link = await self.link(name)
        if link.state is not LinkState.STOPPED:
            self.service.provider.findings[link.id] = READ_ONLY
            await self.service.checks.check_now(link.id)

    async def unselects(self, name: str) -> None:
        link = await self.link(name)
        if link.state in (LinkState.LINKED, LinkState.DEGRADED):
            self.service.provider.findings.pop(link.id, None)
            await self.foretell(name, Condition.HEALTHY, lambda: self.service.selection.select(link.id, (), ""))

    async def disconnects(self, name: str) -> None:
        link = await self.link(name)
        if link.state is not LinkState.STOPPED:
            await self.foretell(name, Condition.HEALTHY, lambda: self.service.ending.disconnect(link.id))

    # what happens to pages and to notices

    async def turns_by_hand(self, page: BookingPage) -> None:
        by_hand = page.stop_cause in (StopCause.OWNER, StopCause.BOTH)
        await (self.service.pages.resume(page.id) if by_hand else self.service.pages.stop(page.id))

    async def changes_members(self, page: BookingPage) -> None:
        members = self.chance.sample(PEOPLE, self.chance.randrange(len(PEOPLE) + 1))
        await self.service.pages.update(page.id, {"members": tuple(map(Member, members))})

    async def changes_mode(self, page: BookingPage) -> None:
        await self.service.pages.update(page.id, {"scheduling_mode": self.chance.choice(list(SchedulingMode))})

    async def delivers(self) -> None:
        """Send what is due, or some of it, or give it up."""
        claimed = await self.service.store.claim_deliveries(
            self.service.clock.now(), timedelta(hours=1), of_each_channel(1000)
        )
        ends = (DeliveryState.SENT, DeliveryState.SENT, DeliveryState.DEAD)
        await self.service.store.update_deliveries(
            [
                DeliveryUpdate(each.delivery.id, each.delivery.fence, self.chance.choice(ends), 1, None)
                for each in claimed
                if self.chance.random() < 0.9
            ]
        )

    # what is compared

    async def compare_with_the_present(self) -> None:
        """Without assumptions, a page is explained as it stands."""
        for page in await self.pages():
            explanation = await self.service.pages.explain(page.id, (), ())
            verdict = explanation.verdict
            assert explanation.page == page
            assert (verdict.state, verdict.accepting, verdict.stop_cause) == (
                page.state,
                page.accepting,
                page.stop_cause,
            )
            assert list(_faulty(explanation)) == [
                (fault.account_id, fault.calendar_link_id, fault.cause) for fault in page.faulty
            ]
            by_hand = page.stop_cause in (StopCause.OWNER, StopCause.BOTH)
            expected = NoticeReason.STOPPED_BY_HAND if by_hand else NoticeReason.UNCHANGED
            assert (explanation.notice_reason, explanation.notices) == (expected, ())

    async def foretell(self, name: str, condition: Condition, act: Callable[[], Awaitable[object]]) -> None:
        """Have it explained what an act would do, let it happen, and compare: the pages, and what is owed to whom."""
        faulty, healthy = ((name,), ()) if condition is Condition.FAULTY else ((), (name,))
        pages = [page.id for page in await self.pages() if Member(name) in page.members]
        foretold = [await self.service.pages.explain(page_id, faulty, healthy) for page_id in pages]
        known = {each.delivery.id for each in await self.notifications()}
        await act()
        owed: dict[str, list[Owing]] = {page_id: [] for page_id in pages}
        for each in await self.notifications():
            if each.delivery.id not in known:
                delivery = each.delivery
                named = tuple(fault.account_id for fault in delivery.faults)
                owing = (delivery.kind.value, delivery.recipient_account_id, delivery.channel.value, named)
                owed[delivery.booking_page_id].append(owing)
        for explanation in foretold:
            page = await self.service.pages.get(explanation.page.id)
            assert _stands(explanation) == (page.state, page.accepting, page.stop_cause)
            assert sorted(_owings(explanation)) == sorted(owed[page.id])
            assert {who for who, _, _ in _faulty(explanation)} == {fault.account_id for fault in page.faulty}
            self.foretold[explanation.notice_reason] += 1

    async def link(self, name: str) -> CalendarLink:
        link = await self.service.store.link(self.links[name])
        assert link is not None
        return link

    async def pages(self) -> list[BookingPage]:
        return await self.service.store.pages(PageFilter(), "", 100)

    async def notifications(self) -> list[Notification]:
        return await self.service.store.notifications(NotificationFilter(), 0, 100_000)


def _stands(explanation: Explanation) -> tuple[PageState, bool, StopCause]:
    return explanation.verdict.state, explanation.verdict.accepting, explanation.verdict.stop_cause


def _faulty(explanation: Explanation) -> Iterator[tuple[str, str, object]]:
    for member in explanation.members:
        if member.condition is Condition.FAULTY:
            yield member.account_id, member.calendar_link_id, member.cause


def _owings(explanation: Explanation) -> Iterator[Owing]:
    for notice in explanation.notices:
        for recipient in notice.recipients:
            for channel in recipient.channels:
                yield notice.kind.value, recipient.account_id, channel.value, notice.faulty_account_ids


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_explained_is_what_is_and_what_will_be(tmp_path: Path, seed: int) -> None:
    """After each change every page is explained as it stands; before it, where it went and who was told of it."""
    async with running_service(tmp_path / "db") as service:
        history = History(service, random.Random(seed))
        await history.begin()
        await history.compare_with_the_present()
        for _ in range(250):
            await history.go_on()
        assert set(history.foretold) == set(NoticeReason) - {NoticeReason.NEW_OWNER}  # no assumption changes the owner


async def test_an_explanation_changes_nothing(tmp_path: Path) -> None:
    """Not a row, not a revision, not an id, whatever is assumed: the database is the same to the byte of its rows."""
    async with running_service(tmp_path / "db") as service:
        history = History(service, random.Random(1))
        await history.begin()
        await history.breaks("ann")
        before, revision, next_id = _dump(tmp_path / "db"), await service.store.revision(), service.context.new_id("x")
        for page in await history.pages():
            members = tuple(member.account_id for member in page.members)
            for faulty, healthy in (((), ()), (members, ()), ((), members)):
                explanation = await service.pages.explain(page.id, faulty, healthy)
                assert explanation.revision == revision
        assert (_dump(tmp_path / "db"), await service.store.revision()) == (before, revision)
        assert (next_id, service.context.new_id("x")) == (next_id, f"x-{int(next_id[2:]) + 1}")


def _dump(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return list(connection.iterdump())


async def test_an_explanation_holds_for_one_revision(tmp_path: Path) -> None:
    """While changes are committed all the time, page, members and verdict are those of one moment, and time goes on."""
    async with running_service(tmp_path / "db") as service:
        history = History(service, random.Random(1))
        await history.begin()
        flipping = asyncio.create_task(_flip(history, "ann", 60))
        seen: list[Explanation] = []
        while not flipping.done():
            seen.append(await service.pages.explain("ALL_MEMBERS-own", (), ()))
        await flipping
    assert all(_stands(each) == (each.page.state, each.page.accepting, each.page.stop_cause) for each in seen)
    assert all(each.notice_reason is NoticeReason.UNCHANGED for each in seen)
    assert all(
        {who for who, _, _ in _faulty(each)} == {fault.account_id for fault in each.page.faulty} for each in seen
    )
    assert {each.page.state for each in seen} == {PageState.LINKED, PageState.STOPPED}
    assert [each.revision for each in seen] == sorted(each.revision for each in seen)


async def _flip(history: History, name: str, times: int) -> None:
    """Break a link and heal it, again and again."""
    link_id = history.links[name]
    for number in range(times):
        history.service.provider.findings[link_id] = () if number % 2 else REVOKED
        await history.service.checks.check_now(link_id)


async def test_what_cannot_be_explained(tmp_path: Path) -> None:
    """A page that is not there, and assumptions about accounts that are not its members: each is named by its field."""
    async with running_service(tmp_path / "db") as service:
        await History(service, random.Random(1)).begin()
        with pytest.raises(NotFoundError, match="no booking page none"):
            await service.pages.explain("none", ("stranger",), ())
        with pytest.raises(InvalidArgumentError) as refusal:
            await service.pages.explain("ANY_MEMBER-apart", ("ann", "olga", "stranger"), ("cleo", "bob"))
        assert refusal.value.reason == "NOT_A_MEMBER"
        assert [each.field for each in refusal.value.violations] == [
            "assume_faulty_account_ids[1]",
            "assume_faulty_account_ids[2]",
            "assume_healthy_account_ids[0]",
        ]
