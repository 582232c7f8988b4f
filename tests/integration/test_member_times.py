"""When members are busy: what is asked, what is kept, and what is not known."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from msgspec.structs import replace
from structlog.testing import capture_logs

from calguard_server.domain.availability import MemberTime
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.secret import Secret
from calguard_server.engine.busy import MOST_AT_ONCE, MemberTimes
from calguard_server.engine.failures_met import FailuresMet
from calguard_server.engine.ports.provider import Probe, ProbeRequest
from tests.fakes.busy_calendars import FakeCalendars
from tests.fakes.provider import HOLIDAYS, PRIMARY
from tests.fakes.service import Service, open_test_store, running_service
from tests.fakes.world import START, CountingIds
from tests.patience import PATIENCE_SECONDS

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = START - 9 * HOUR
WEEK = Interval(START, START + 7 * DAY)
REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)
CACHE, TIMEOUT = timedelta(seconds=15), timedelta(seconds=4)


def hours(start: float, end: float) -> Interval:
    return Interval(START + start * HOUR, START + end * HOUR)


@dataclass
class Scene:
    """A service, calendars that are busy when a test says, and what tells members' times."""

    service: Service
    calendars: FakeCalendars
    failures: FailuresMet
    times: MemberTimes

    def with_cache(self, lifetime: timedelta) -> MemberTimes:
        return MemberTimes(self.service.context, self.calendars, self.failures, lifetime, TIMEOUT)

    async def until(self, reached: Callable[[], object]) -> None:
        """Let the others go on until something is so."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not reached():
                await self.service.store.link("nothing")

    @property
    def who_wait(self) -> int:
        """How many wait for an answer of Google's, one's own or another's."""
        return sum(each.askers for each in self.times._flights._flights.values())

    async def state(self, link_id: str) -> LinkState:
        link = await self.service.store.link(link_id)
        assert link is not None
        return link.state

    async def ask(self, *account_ids: str, window: Interval = WEEK, fresh: bool = False) -> tuple[MemberTime, ...]:
        return await self.times.of_accounts(account_ids or ("ann",), window, fresh=fresh)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_service(tmp_path / "db") as service:
        for account_id in ("ann", "ben", "cat"):
            await service.add_account(account_id)
        calendars, failures = FakeCalendars(), FailuresMet(service.reports.spaced_checks, service.clock)
        yield Scene(service, calendars, failures, MemberTimes(service.context, calendars, failures, CACHE, TIMEOUT))
        await failures.close()


async def test_a_members_time_is_that_of_all_its_links(scene: Scene) -> None:
    first, second = await scene.service.link("ann"), await scene.service.link("ann", "sub-other")
    scene.calendars.busy = {first.id: (hours(1, 2), hours(5, 6)), second.id: (hours(2, 3), hours(5.5, 5.75))}
    assert await scene.ask() == (MemberTime("ann", (hours(1, 3), hours(5, 6))),)


async def test_calendars_that_overlap_are_busy_once(scene: Scene) -> None:
    """Two check calendars of one link with the same event."""
    link = await scene.service.link("ann")
    await scene.service.selection.select(link.id, (PRIMARY.id, HOLIDAYS.id), PRIMARY.id)
    scene.calendars.busy = {link.id: (hours(1, 2),)}
    assert await scene.ask() == (MemberTime("ann", (hours(1, 2),)),)


async def test_who_refers_to_nothing_is_free(scene: Scene) -> None:
    """No link; none with check calendars; one that was disconnected."""
    unused, ended = await scene.service.link("ben"), await scene.service.link("cat")
    await scene.service.selection.select(unused.id, (), PRIMARY.id)
    await scene.service.ending.disconnect(ended.id)
    assert await scene.ask("ann", "ben", "cat") == tuple(MemberTime(each, ()) for each in ("ann", "ben", "cat"))
    assert scene.calendars.asked == []


async def test_a_failed_link_is_not_asked_and_not_free(scene: Scene) -> None:
    failed, well = await scene.service.link("ann"), await scene.service.link("ann", "sub-other")
    scene.service.provider.findings[failed.id] = (REVOKED,)
    await scene.service.checks.check_now(failed.id)
    assert await scene.ask() == (MemberTime("ann", None),)
    assert scene.calendars.asked == []
    await scene.service.selection.select(failed.id, (), "")
    assert await scene.ask() == (MemberTime("ann", ()),)
    assert [link_id for link_id, _ in scene.calendars.asked] == [well.id]


async def test_a_degraded_link_is_asked(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.service.provider.findings[link.id] = (Finding(CauseReason.CALENDAR_READ_ONLY, PRIMARY.id),)
    assert (await scene.service.checks.check_now(link.id)).state is LinkState.DEGRADED
    scene.calendars.busy = {link.id: (hours(1, 2),)}
    assert await scene.ask() == (MemberTime("ann", (hours(1, 2),)),)


@pytest.mark.parametrize("finding", [REVOKED, Finding(CauseReason.CALENDAR_NOT_VISIBLE, PRIMARY.id)])
async def test_what_fails_is_unknown_and_has_the_link_checked_at_once(scene: Scene, finding: Finding) -> None:
    """As a whole, or one calendar of it; the others of the page are known all the same."""
    link, other = await scene.service.link("ann"), await scene.service.link("ben")
    scene.calendars.busy = {link.id: (hours(1, 2),), other.id: (hours(3, 4),)}
    scene.calendars.fails[link.id] = finding
    scene.service.provider.findings[link.id] = (finding,)
    assert await scene.ask("ann", "ben") == (MemberTime("ann", None), MemberTime("ben", (hours(3, 4),)))
    await scene.until(lambda: not scene.failures._waiting)
    assert await scene.state(link.id) is LinkState.FAILED
    assert await scene.state(other.id) is LinkState.LINKED


async def test_what_was_met_is_no_evidence(scene: Scene) -> None:
    """A check that finds nothing leaves the link LINKED; nothing was kept, so that the next one asks again."""
    link = await scene.service.link("ann")
    scene.calendars.fails[link.id] = REVOKED
    assert await scene.ask() == (MemberTime("ann", None),)
    await scene.until(lambda: not scene.failures._waiting)
    assert await scene.state(link.id) is LinkState.LINKED
    del scene.calendars.fails[link.id]
    assert await scene.ask() == (MemberTime("ann", ()),)


async def test_google_that_asked_to_wait_is_not_asked_by_a_check(scene: Scene) -> None:
    link = await scene.service.link("ann")
    limited = Finding(CauseReason.RATE_LIMITED, retry_after=timedelta(minutes=1))
    scene.service.provider.findings[link.id] = (limited,)
    await scene.service.checks.check_now(link.id)
    probes = len(scene.service.provider.probes)
    scene.calendars.fails[link.id] = limited
    assert await scene.ask() == (MemberTime("ann", None),)
    assert not scene.failures._waiting
    assert len(scene.service.provider.probes) == probes


async def test_a_link_that_goes_meanwhile_is_not_checked(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.fails[link.id], scene.calendars.held = REVOKED, asyncio.Event()
    asking = asyncio.create_task(scene.ask())
    await scene.until(lambda: scene.calendars.asked)
    await scene.service.ending.disconnect(link.id)
    scene.calendars.held.set()
    assert await asking == (MemberTime("ann", None),)
    await scene.until(lambda: not scene.failures._waiting)
    assert await scene.state(link.id) is LinkState.STOPPED


async def test_a_check_that_breaks_off_is_logged_and_holds_nobody_up(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.fails[link.id] = REVOKED
    probe = scene.service.provider.probe

    async def broken_probe(request: ProbeRequest) -> Probe:
        raise RuntimeError(f"no probe of {request.calendar_link_id}")

    scene.service.provider.probe = broken_probe  # type: ignore[method-assign]
    with capture_logs() as logged:
        assert await scene.ask() == (MemberTime("ann", None),)
        await scene.until(lambda: not scene.failures._waiting)
    [broken] = [each for each in logged if each["event"] == "a check broke off"]
    assert (broken["calendar_link_id"], str(broken["exc_info"])) == (link.id, f"no probe of {link.id}")
    scene.service.provider.probe = probe  # type: ignore[method-assign]
    scene.service.provider.findings[link.id] = (REVOKED,)
    assert await scene.ask() == (MemberTime("ann", None),)
    await scene.until(lambda: scene.service.clock._sleepers)
    scene.service.clock.advance(timedelta(seconds=2))
    await scene.until(lambda: not scene.failures._waiting)
    assert await scene.state(link.id) is LinkState.FAILED


async def test_failures_of_one_link_share_a_check_and_closing_gives_it_up(scene: Scene) -> None:
    """The second check of a link begins 2 s after the first: until then, all who fail wait for that one."""
    link = await scene.service.link("ann")
    scene.calendars.fails[link.id] = REVOKED
    await scene.ask()
    await scene.until(lambda: not scene.failures._waiting)
    probes = len(scene.service.provider.probes)
    for _ in range(5):
        await scene.ask()
    await scene.until(lambda: scene.service.clock._sleepers)
    assert list(scene.failures._waiting) == [link.id]
    await scene.failures.close()
    assert not scene.failures._waiting
    assert len(scene.service.provider.probes) == probes


async def test_a_grant_that_no_key_opens_is_unknown(scene: Scene, tmp_path: Path) -> None:
    link = await scene.service.link("ann")
    await scene.service.store.close()
    clock, key = scene.service.clock, Secret(Fernet.generate_key().decode())
    store = await open_test_store(tmp_path / "db", clock, CountingIds(), key)
    try:
        assert (await store.link(link.id)) == link
        context = replace(scene.service.context, store=store)
        times = MemberTimes(context, scene.calendars, scene.failures, CACHE, TIMEOUT)
        with capture_logs() as logged:
            assert await times.of_accounts(("ann",), WEEK) == (MemberTime("ann", None),)
        assert logged[0]["reasons"] == [CauseReason.AUTHORIZATION_INCOMPLETE]
        assert scene.calendars.asked == []
    finally:
        await store.close()


async def test_an_answer_is_kept_for_its_time(scene: Scene) -> None:
    link = await scene.service.link("ann")
    await scene.ask()
    scene.calendars.busy = {link.id: (hours(1, 2),)}
    scene.service.clock.advance(timedelta(seconds=14))
    assert await scene.ask() == (MemberTime("ann", ()),)
    scene.service.clock.advance(timedelta(seconds=1))
    assert await scene.ask() == (MemberTime("ann", (hours(1, 2),)),)
    assert len(scene.calendars.asked) == 2


async def test_windows_of_the_same_days_are_one_question(scene: Scene) -> None:
    await scene.service.link("ann")
    for minutes in range(3):
        moved = timedelta(minutes=minutes)
        await scene.ask(window=Interval(START + moved, START + DAY + moved))
    assert [window for _, window in scene.calendars.asked] == [Interval(MIDNIGHT, MIDNIGHT + 2 * DAY)]
    await scene.ask(window=Interval(START, MIDNIGHT + DAY))
    assert scene.calendars.asked[1][1] == Interval(MIDNIGHT, MIDNIGHT + DAY)


async def test_who_asks_afresh_is_not_told_what_is_kept(scene: Scene) -> None:
    link = await scene.service.link("ann")
    await scene.ask()
    scene.calendars.busy = {link.id: (hours(1, 2),)}
    assert await scene.ask(window=hours(0, 4), fresh=True) == (MemberTime("ann", (hours(1, 2),)),)
    assert scene.calendars.asked[1][1] == hours(0, 4)


async def test_without_a_lifetime_nothing_is_kept(scene: Scene) -> None:
    await scene.service.link("ann")
    times = scene.with_cache(timedelta())
    for _ in range(2):
        await times.of_accounts(("ann",), WEEK)
    assert len(scene.calendars.asked) == 2


async def test_a_write_makes_the_next_one_ask(scene: Scene) -> None:
    await scene.service.link("ann")
    await scene.service.link("ben")
    await scene.ask("ann", "ben")
    scene.times.invalidate(["ann", "nobody"])
    await scene.ask("ann", "ben")
    assert len(scene.calendars.asked) == 3


async def test_another_selection_is_another_question(scene: Scene) -> None:
    link = await scene.service.link("ann")
    await scene.ask()
    await scene.service.selection.select(link.id, (PRIMARY.id, HOLIDAYS.id), PRIMARY.id)
    await scene.ask()
    await scene.service.ending.disconnect(link.id)
    await scene.service.link("ann", link_id=link.id)
    await scene.ask()
    assert len(scene.calendars.asked) == 3


async def test_of_those_who_ask_at_once_one_asks_google(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.busy, scene.calendars.held = {link.id: (hours(1, 2),)}, asyncio.Event()
    asking = [asyncio.create_task(scene.ask()) for _ in range(20)]
    await scene.until(lambda: scene.who_wait == 20)
    asking[0].cancel()
    scene.calendars.held.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [(MemberTime("ann", (hours(1, 2),)),)] * 19
    assert len(scene.calendars.asked) == 1


async def test_what_all_have_given_up_is_given_up(scene: Scene) -> None:
    await scene.service.link("ann")
    scene.calendars.held = asyncio.Event()
    asking = [asyncio.create_task(scene.ask()) for _ in range(3)]
    await scene.until(lambda: scene.calendars.asked and scene.who_wait == 3)
    for each in asking:
        each.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await scene.until(lambda: not scene.calendars.at_once)
    assert (len(scene.times._flights), scene.times._under_way) == (0, {})


async def test_what_was_asked_before_a_write_answers_nobody_who_asks_after_it(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.held = held = asyncio.Event()
    before = asyncio.create_task(scene.ask())
    await scene.until(lambda: scene.calendars.asked)
    scene.calendars.busy = {link.id: (hours(1, 2),)}
    scene.times.invalidate(["ann"])
    after = asyncio.create_task(scene.ask())
    await scene.until(lambda: len(scene.calendars.asked) == 2)
    held.set()
    assert await before == (MemberTime("ann", ()),)
    assert await after == (MemberTime("ann", (hours(1, 2),)),)
    assert await scene.ask() == (MemberTime("ann", (hours(1, 2),)),)
    assert len(scene.calendars.asked) == 2


async def test_many_are_asked_side_by_side_to_a_bound(scene: Scene) -> None:
    names = [f"member-{number}" for number in range(MOST_AT_ONCE + 6)]
    for name in names:
        await scene.service.add_account(name)
        await scene.service.link(name)
    scene.calendars.held = asyncio.Event()
    asking = asyncio.create_task(scene.ask(*names))
    await scene.until(lambda: scene.calendars.at_once == MOST_AT_ONCE)
    scene.calendars.held.set()
    assert [each.busy for each in await asking] == [()] * len(names)
    assert (scene.calendars.most_at_once, len(scene.calendars.asked)) == (MOST_AT_ONCE, len(names))
