"""Checks that reports ask for: spaced, shared, and nothing kept of them afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.errors import FailedPreconditionError
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.ports.provider import Probe, ProbeRequest
from calguard_server.engine.reports import FailureReport, SpacedChecks
from tests.fakes.service import Service, running_service
from tests.patience import PATIENCE_SECONDS

SPACING = timedelta(seconds=2)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(tmp_path / "db") as running:
        await running.add_account("ann")
        yield running


@pytest.fixture
async def link(service: Service) -> CalendarLink:
    made = await service.link("ann")
    service.provider.probes.clear()
    return made


@pytest.fixture
def spaced(service: Service) -> SpacedChecks:
    return SpacedChecks(service.checks, service.clock, SPACING)


async def until(service: Service, reached: Callable[[], object]) -> None:
    """Let the others go on until something is so."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not reached():
            await service.store.link("nothing")


async def test_one_check_at_a_time_and_never_two_within_the_spacing(
    service: Service, link: CalendarLink, spaced: SpacedChecks
) -> None:
    """A check takes 3 s: the next one begins when it is over, and the one after that 2 s later."""
    begun = []
    probe, released = service.provider.probe, asyncio.Event()

    async def slow_first_probe(request: ProbeRequest) -> Probe:
        begun.append(service.clock.now())
        if len(begun) == 1:
            await released.wait()
        return await probe(request)

    service.provider.probe = slow_first_probe  # type: ignore[method-assign]
    start = service.clock.now()
    waiting = [asyncio.create_task(spaced.check(link.id))]
    await until(service, lambda: begun)
    for askers in (1, 2, 3):
        waiting.append(asyncio.create_task(spaced.check(link.id)))
        await until(service, lambda askers=askers: link.id in spaced._next and spaced._next[link.id].askers == askers)
        service.clock.advance(timedelta(seconds=1))
    released.set()
    await until(service, lambda: len(begun) == 2)
    last = asyncio.create_task(spaced.check(link.id))
    await until(service, lambda: service.clock._sleepers)
    assert not last.done()
    service.clock.advance(SPACING)
    await asyncio.gather(*waiting, last)
    assert [(moment - start).total_seconds() for moment in begun] == [0, 3, 5]


async def test_nothing_is_kept_of_links_that_are_quiet(
    service: Service, link: CalendarLink, spaced: SpacedChecks
) -> None:
    await spaced.check(link.id)
    assert list(spaced._begun) == [link.id]
    service.clock.advance(SPACING)
    other = await service.link("ann", "sub-other")
    await spaced.check(other.id)
    assert list(spaced._begun) == [other.id]
    assert (spaced._next, len(spaced._turns)) == ({}, 0)


async def test_a_clock_that_was_set_back_holds_nobody_up(
    service: Service, link: CalendarLink, spaced: SpacedChecks
) -> None:
    """The wait is the spacing at most, whatever the clock says."""
    await spaced.check(link.id)
    service.clock.advance(timedelta(hours=-1))
    waiting = asyncio.create_task(spaced.check(link.id))
    await until(service, lambda: service.clock._sleepers)
    service.clock.advance(SPACING)
    assert (await waiting).state is LinkState.LINKED


async def test_a_refused_check_is_told_to_all_who_wait(
    service: Service, link: CalendarLink, spaced: SpacedChecks
) -> None:
    """The link is disconnected while they wait."""
    await spaced.check(link.id)
    waiting = [asyncio.create_task(spaced.check(link.id)) for _ in range(3)]
    await until(service, lambda: link.id in spaced._next and spaced._next[link.id].askers == 3)
    await until(service, lambda: service.clock._sleepers)
    await service.ending.disconnect(link.id)
    service.clock.advance(SPACING)
    refusals = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in refusals] == [FailedPreconditionError] * 3


async def test_what_is_reported_is_read_and_what_is_found_counts(service: Service, link: CalendarLink) -> None:
    service.provider.findings[link.id] = (Finding(CauseReason.NETWORK_ERROR),)
    result = await service.reports.report(FailureReport(link.id, 400, "SESSION_POLICY"))
    assert result.read_as is CauseReason.SESSION_POLICY
    assert result.link.cause is not None
    assert (result.link.state, result.link.cause.reason) == (LinkState.DEGRADED, CauseReason.NETWORK_ERROR)
