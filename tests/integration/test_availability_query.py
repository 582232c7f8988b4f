"""When a page can be booked: the page, its members' times and what was assigned here, together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from calguard_server.domain.availability import Availability as Answer
from calguard_server.domain.availability import FreeStretch
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.errors import FailedPreconditionError, NotFoundError
from calguard_server.domain.intervals import Interval
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.availability_query import Availability
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.failures_met import FailuresMet
from tests.fakes.busy_calendars import FakeCalendars
from tests.fakes.service import Service, running_service
from tests.fakes.world import START

HOUR, TIMEOUT = timedelta(hours=1), timedelta(seconds=4)
REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)


def hours(start: float, end: float) -> Interval:
    return Interval(START + start * HOUR, START + end * HOUR)


DAY = hours(0, 8)


class Scene:
    """A service with members ann and ben, each with a link, and pages of every mode."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.calendars = FakeCalendars()
        self.failures = FailuresMet(service.reports.spaced_checks, service.clock)
        times = MemberTimes(service.context, self.calendars, self.failures, timedelta(seconds=15), TIMEOUT)
        self.taken: dict[str, list[Interval]] = {}
        self.window = DAY
        self.availability = Availability(service.context, times, self.assigned)

    async def assigned(self, account_ids: Sequence[str], window: Interval) -> Mapping[str, Sequence[Interval]]:
        assert window == self.window
        return {each: self.taken[each] for each in account_ids if each in self.taken}

    async def query(self, page_id: str, duration: timedelta = HOUR) -> Answer:
        answer = await self.availability.query(page_id, DAY, duration)
        return replace(answer, free=tuple(answer.free))

    async def refused(self, page_id: str) -> FailedPreconditionError:
        with pytest.raises(FailedPreconditionError) as refused:
            await self.query(page_id)
        return refused.value


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_service(tmp_path / "db") as service:
        made = Scene(service)
        for account_id in ("ann", "ben"):
            await service.add_account(account_id)
            await service.link(account_id, link_id="")
        for mode in SchedulingMode:
            await service.add_page(mode.value, mode, "ann", "ann", "ben")
        (ann,), (ben,) = [await service.store.links_of_account(each) for each in ("ann", "ben")]
        made.calendars.busy = {ann.id: (hours(1, 2),), ben.id: (hours(2, 3),)}
        yield made
        await made.failures.close()


async def test_all_members_is_free_when_all_are(scene: Scene) -> None:
    both = ("ann", "ben")
    answer = await scene.query("ALL_MEMBERS")
    assert answer == Answer((FreeStretch(hours(0, 1), both), FreeStretch(hours(3, 8), both)), ())


@pytest.mark.parametrize("page_id", ["ANY_MEMBER", "AUTO_ASSIGN"])
async def test_the_other_modes_are_free_when_any_is(scene: Scene, page_id: str) -> None:
    answer = await scene.query(page_id)
    assert answer.free == (
        FreeStretch(hours(0, 2), ("ben",)),
        FreeStretch(hours(0, 1), ("ann", "ben")),
        FreeStretch(hours(2, 8), ("ann",)),
        FreeStretch(hours(3, 8), ("ann", "ben")),
    )


async def test_what_was_assigned_here_is_busy_at_once(scene: Scene) -> None:
    """Also while calendars do not show it yet, and what is kept of them is older."""
    await scene.query("ALL_MEMBERS")
    scene.taken = {"ann": [hours(4, 5)], "ben": [hours(4.5, 6)]}
    stretches = [each.time for each in (await scene.query("ALL_MEMBERS")).free]
    assert stretches == [hours(0, 1), hours(3, 4), hours(6, 8)]


async def test_who_fails_just_now_is_named_and_never_free(scene: Scene) -> None:
    (ann,) = await scene.service.store.links_of_account("ann")
    scene.calendars.fails[ann.id] = Finding(CauseReason.NETWORK_ERROR)
    scene.taken = {"ann": [hours(4, 5)]}
    assert await scene.query("ALL_MEMBERS") == Answer((), ("ann",))
    answer = await scene.query("ANY_MEMBER", 3 * HOUR)
    assert answer == Answer((FreeStretch(hours(3, 8), ("ben",)),), ("ann",))


async def test_what_is_past_cannot_be_booked(scene: Scene) -> None:
    """Neither the part of a window that is past, nor a window that is."""
    scene.service.clock.advance(timedelta(minutes=30))
    now = scene.service.clock.now()
    scene.window = Interval(now, DAY.end)
    assert min(each.time.start for each in (await scene.query("ANY_MEMBER")).free) == now
    scene.service.clock.advance(timedelta(hours=8))
    assert await scene.query("ANY_MEMBER") == Answer((), ())


async def test_a_stopped_page_says_why(scene: Scene) -> None:
    (ann,) = await scene.service.store.links_of_account("ann")
    scene.service.provider.findings[ann.id] = (REVOKED,)
    await scene.service.checks.check_now(ann.id)
    stopped = await scene.refused("ALL_MEMBERS")
    assert stopped.reason == "PAGE_STOPPED"
    assert stopped.metadata == {"stop_cause": "CALENDAR_FAILURE", "faulty_account_ids": "ann"}
    assert (await scene.query("AUTO_ASSIGN")).unknown_account_ids == ("ann",)
    await scene.service.pages.stop("ALL_MEMBERS")
    assert (await scene.refused("ALL_MEMBERS")).metadata["stop_cause"] == "BOTH"
    await scene.service.pages.stop("AUTO_ASSIGN")
    assert (await scene.refused("AUTO_ASSIGN")).metadata == {"stop_cause": "OWNER", "faulty_account_ids": "ann"}


async def test_a_page_without_members_has_no_time_and_no_page_none_either(scene: Scene) -> None:
    await scene.service.add_page("empty", SchedulingMode.ALL_MEMBERS, "ann")
    assert await scene.query("empty") == Answer((), (), without_members=True)
    with pytest.raises(NotFoundError):
        await scene.query("nowhere")
