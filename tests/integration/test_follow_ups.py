"""Reminders over a real store, with a clock that the test moves: from the incident's row to the message."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.context import Policies
from calguard_server.engine.follow_ups import FollowUps
from calguard_server.workers.follow_up_loop import FollowUpLoop, FollowUpOptions
from tests.fakes.service import Service, running_service
from tests.fakes.world import START
from tests.integration.test_engine import REVOKED
from tests.integration.test_workers import Deliveries, delivering, eventually

DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)
"""How often the loop looks, and how far time moves on while a test waits."""


@dataclass
class Setting:
    """A server whose page `p1` was stopped by Ann's calendar just now, and the owner's mail."""

    service: Service
    deliveries: Deliveries
    link_id: str

    async def reminders(self, count: int) -> list[tuple[str, ...]]:
        """Wait until the owner has so many reminders, and answer which pages each is about."""

        async def look() -> list[tuple[str, ...]]:
            self.deliveries.loop.nudge()
            self.service.clock.advance(MOMENT)
            await self.service.store.account("olga")  # a read, so that others get their turn
            return self.told() if len(self.told()) >= count else []

        return await eventually(look)

    def told(self) -> list[tuple[str, ...]]:
        mine = [message for message, to in self.deliveries.email.received if to.email == "olga@example.com"]
        return [tuple(page.id for page in each.pages) for each in mine if each.kind is NoticeKind.REMINDER]

    def move_to(self, after: timedelta) -> None:
        """Move the clock to so long after the stop."""
        self.service.clock.advance(START + after - self.service.clock.now())

    async def nothing_is_due(self) -> bool:
        return await self.service.store.due_follow_ups(self.service.clock.now(), 10) == []

    async def nothing_is_due_at(self, after: timedelta) -> None:
        """Move the clock, and see that no incident is to be followed up by then."""
        self.move_to(after)
        assert await self.nothing_is_due()

    async def looked_after(self) -> None:
        """Wait until nothing is due any more."""

        async def look() -> bool:
            self.service.clock.advance(MOMENT)
            return await self.nothing_is_due()

        await eventually(look)


@asynccontextmanager
async def stopped(path: Path, *, reminders: tuple[timedelta, ...] = Policies().reminders) -> AsyncIterator[Setting]:
    policies = Policies(notice_group_wait=timedelta(), reminders=reminders)
    async with running_service(path, policies) as service, delivering(service) as deliveries:
        await service.add_account("olga")
        await service.add_account("ann")
        link = await service.link("ann")
        await service.add_page("p1", SchedulingMode.ALL_MEMBERS, "olga", "ann")
        service.provider.findings[link.id] = REVOKED
        await service.checks.check_now(link.id)
        options = FollowUpOptions(poll_interval=MOMENT)
        loop = FollowUpLoop(service.store, FollowUps(service.context), service.clock, deliveries.loop.nudge, options)
        task = asyncio.create_task(loop.run())
        try:
            yield Setting(service, deliveries, link.id)
        finally:
            assert not task.done(), task
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def test_the_owner_is_reminded_after_1_3_7_and_14_days(tmp_path: Path) -> None:
    """Once each, and then no more."""
    async with stopped(tmp_path / "db") as setting:
        for count, days in enumerate((1, 3, 7, 14), start=1):
            await setting.nothing_is_due_at(days * DAY - timedelta(seconds=10))
            assert len(setting.told()) == count - 1
            setting.move_to(days * DAY)
            assert await setting.reminders(count) == [("p1",)] * count
        await setting.nothing_is_due_at(300 * DAY)
        assert len(setting.told()) == 4


@pytest.mark.parametrize("end", ["recovery", "deletion"])
async def test_the_end_of_an_incident_ends_its_reminders(tmp_path: Path, end: str) -> None:
    """The page works again, or is gone."""
    async with stopped(tmp_path / "db") as setting:
        setting.move_to(DAY)
        await setting.reminders(1)
        if end == "recovery":
            setting.service.provider.findings.clear()
            await setting.service.checks.check_now(setting.link_id)
        else:
            await setting.service.pages.delete("p1")
        await setting.nothing_is_due_at(20 * DAY)


async def test_a_stop_by_hand_passes_reminders_over(tmp_path: Path) -> None:
    """Nobody is reminded after a day; after a resume they are reminded on the third."""
    async with stopped(tmp_path / "db") as setting:
        await setting.service.pages.stop("p1")
        setting.move_to(DAY + timedelta(hours=1))
        await setting.looked_after()
        await setting.service.pages.resume("p1")
        assert setting.told() == []
        setting.move_to(3 * DAY + timedelta(hours=1))
        assert await setting.reminders(1) == [("p1",)]


async def test_without_reminders_nobody_is_reminded(tmp_path: Path) -> None:
    """`REMINDERS` is empty."""
    async with stopped(tmp_path / "db", reminders=()) as setting:
        await setting.nothing_is_due_at(20 * DAY)
