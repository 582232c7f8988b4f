"""Calendars that do not answer: how long they are waited for, what is known meanwhile, and who is looked at for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.availability import MemberTime
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import LinkState
from calguard_server.engine.busy import MOST_AT_ONCE, MemberTimes
from calguard_server.engine.failures_met import FailuresMet
from tests.fakes.busy_calendars import FakeCalendars
from tests.fakes.service import running_service
from tests.integration.test_member_times import CACHE, TIMEOUT, WEEK, Scene, hours

MOMENT = timedelta(microseconds=1)
UNREACHABLE = Finding(CauseReason.NETWORK_ERROR)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with running_service(tmp_path / "db") as service:
        for account_id in ("ann", "ben"):
            await service.add_account(account_id)
        calendars, failures = FakeCalendars(), FailuresMet(service.reports.spaced_checks, service.clock)
        yield Scene(service, calendars, failures, MemberTimes(service.context, calendars, failures, CACHE, TIMEOUT))
        await failures.close()


def begin(
    scene: Scene, *account_ids: str, patience: timedelta | None = None, fresh: bool = False
) -> "asyncio.Task[tuple[MemberTime, ...]]":
    """Ask as callers do."""

    async def ask() -> tuple[MemberTime, ...]:
        links_of = {each: await scene.service.store.links_of_account(each) for each in account_ids}
        return await scene.times.of_links(links_of, WEEK, fresh=fresh, patience=patience)

    return asyncio.create_task(ask())


async def turns(scene: Scene) -> None:
    """Let whoever can go on do so."""
    for _ in range(20):
        await scene.service.store.link("nothing")


async def probes_once_settled(scene: Scene) -> int:
    await scene.until(lambda: not scene.failures._waiting)
    return len(scene.service.provider.probes)


@pytest.mark.parametrize("fresh", [False, True])
async def test_who_is_silent_is_unknown_when_the_time_is_up_and_the_others_are_known(
    scene: Scene, *, fresh: bool
) -> None:
    """The link is checked, and that alone judges it; what was asked is given up."""
    silent, other = await scene.service.link("ann"), await scene.service.link("ben")
    scene.calendars.silent, scene.calendars.busy = {silent.id}, {other.id: (hours(1, 2),)}
    scene.service.provider.findings[silent.id] = (UNREACHABLE,)
    asking = begin(scene, "ann", "ben", fresh=fresh)
    await scene.until(lambda: len(scene.calendars.asked) == 2)
    scene.service.clock.advance(TIMEOUT - MOMENT)
    await turns(scene)
    assert not asking.done()
    scene.service.clock.advance(MOMENT)
    assert await asking == (MemberTime("ann", None), MemberTime("ben", (hours(1, 2),)))
    await scene.until(lambda: not scene.calendars.at_once)
    await scene.until(lambda: not scene.failures._waiting)
    assert await scene.state(silent.id) is LinkState.DEGRADED
    assert await scene.state(other.id) is LinkState.LINKED


async def test_one_silent_link_of_two_is_enough(scene: Scene) -> None:
    silent, other = await scene.service.link("ann"), await scene.service.link("ann", "sub-other")
    scene.calendars.silent, scene.calendars.busy = {silent.id}, {other.id: (hours(1, 2),)}
    asking = begin(scene, "ann")
    await scene.until(lambda: len(scene.calendars.asked) == 2)
    scene.service.clock.advance(TIMEOUT)
    assert await asking == (MemberTime("ann", None),)


async def test_what_is_kept_is_waited_for_by_nobody(scene: Scene) -> None:
    link = await scene.service.link("ann")
    await scene.ask("ann")
    scene.calendars.silent = {link.id}
    assert await begin(scene, "ann") == (MemberTime("ann", ()),)


@pytest.mark.parametrize(("patience", "waits"), [(3 * TIMEOUT, TIMEOUT), (TIMEOUT / 2, TIMEOUT / 2)])
async def test_nobody_waits_longer_than_their_caller_nor_than_is_set(
    scene: Scene, patience: timedelta, waits: timedelta
) -> None:
    link = await scene.service.link("ann")
    scene.calendars.silent = {link.id}
    before = len(scene.service.provider.probes)
    asking = begin(scene, "ann", patience=patience)
    await scene.until(lambda: scene.calendars.asked)
    scene.service.clock.advance(waits - MOMENT)
    await turns(scene)
    assert not asking.done()
    scene.service.clock.advance(MOMENT)
    assert await asking == (MemberTime("ann", None),)
    assert await probes_once_settled(scene) == before + 1


async def test_a_caller_in_a_hurry_has_no_link_checked(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.silent = {link.id}
    before = len(scene.service.provider.probes)
    asking = begin(scene, "ann", patience=timedelta(milliseconds=999))
    await scene.until(lambda: scene.calendars.asked)
    scene.service.clock.advance(timedelta(milliseconds=999))
    assert await asking == (MemberTime("ann", None),)
    assert await probes_once_settled(scene) == before


async def test_who_has_no_time_is_told_what_is_kept(scene: Scene) -> None:
    """A deadline that has all but passed: nothing breaks."""
    await scene.service.link("ann")
    await scene.service.link("ben")
    await scene.ask("ann")
    scene.calendars.held = asyncio.Event()
    known, unknown = await begin(scene, "ann", "ben", patience=timedelta())
    assert (known, unknown) == (MemberTime("ann", ()), MemberTime("ben", None))


async def test_of_those_who_share_a_question_each_waits_for_themselves(scene: Scene) -> None:
    link = await scene.service.link("ann")
    scene.calendars.busy, scene.calendars.held = {link.id: (hours(1, 2),)}, asyncio.Event()
    first = begin(scene, "ann")
    await scene.until(lambda: scene.calendars.asked)
    scene.service.clock.advance(TIMEOUT / 2)
    second = begin(scene, "ann")
    await turns(scene)
    scene.service.clock.advance(TIMEOUT / 2)
    assert await first == (MemberTime("ann", None),)
    scene.calendars.held.set()
    assert await second == (MemberTime("ann", (hours(1, 2),)),)
    assert len(scene.calendars.asked) == 1


async def test_who_had_no_turn_is_unknown_and_not_to_blame(scene: Scene) -> None:
    """All turns are taken by links that are silent: these are checked, the one that waits behind them is not."""
    names = [f"member-{number}" for number in range(MOST_AT_ONCE)]
    for name in names:
        await scene.service.add_account(name)
        scene.calendars.silent.add((await scene.service.link(name)).id)
    await scene.service.link("ann")
    probed = len(scene.service.provider.probes)
    asking = begin(scene, *names, "ann")
    await scene.until(lambda: scene.calendars.at_once == MOST_AT_ONCE)
    scene.service.clock.advance(TIMEOUT)
    assert {each.busy for each in await asking} == {None}
    await scene.until(lambda: not scene.failures._waiting)
    checked = {each.calendar_link_id for each in scene.service.provider.probes[probed:]}
    assert checked == scene.calendars.silent
    assert (await begin(scene, "ann")) == (MemberTime("ann", ()),)
