"""Diagnoses by the engine over a real store: what they ask, and what becomes of the link meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.diagnosis import Stage, StageOutcome, Step
from calguard_server.domain.errors import NotFoundError
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import FreeEvents, Probe, ProbeRequest, ProviderCalendar
from tests.fakes.service import SUPPORT, Service, running_service

PRIMARY = "me@example.com"
LIMIT = timedelta(seconds=20)
REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)
DOWN = Finding(CauseReason.PROVIDER_UNAVAILABLE)


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


async def diagnosed(service: Service, link: CalendarLink) -> list[Step]:
    return [step async for step in service.diagnosis.diagnose(link.id)]


def failing(steps: list[Step]) -> list[tuple[Stage, CauseReason]]:
    return [
        (step.stage, step.cause.reason)
        for step in steps
        if step.outcome is StageOutcome.FAILED and step.cause is not None
    ]


async def test_what_a_check_asks_twice_a_stage_asks_twice(service: Service, link: CalendarLink) -> None:
    service.provider.refresh_fails = REVOKED
    service.provider.findings[link.id] = (REVOKED,)
    assert failing(await diagnosed(service, link)) == [(Stage.GRANT_ACCEPTED, REVOKED.reason)]
    assert len(service.provider.refreshes) == 2
    assert len(service.provider.probes) == 2  # those of the check that follows
    assert (await service.store.link(link.id)).state is LinkState.FAILED  # type: ignore[union-attr]
    service.provider.refreshes.clear()
    assert failing(await diagnosed(service, link)) == [(Stage.GRANT_ACCEPTED, REVOKED.reason)]
    assert len(service.provider.refreshes) == 1  # it has failed already: nothing is to be confirmed
    assert len(service.provider.probes) == 2


async def test_what_may_pass_is_asked_once(service: Service, link: CalendarLink) -> None:
    service.provider.refresh_fails = DOWN
    service.provider.findings[link.id] = (DOWN,)
    assert failing(await diagnosed(service, link)) == [(Stage.GRANT_ACCEPTED, DOWN.reason)]
    assert len(service.provider.refreshes) == 1


async def test_trouble_at_the_add_calendar_alone_never_fails_a_link(service: Service, link: CalendarLink) -> None:
    """A link is judged by what a diagnosis met as by a check: what concerns adding alone degrades it."""
    service.provider.findings[link.id] = (Finding(CauseReason.ACCESS_FORBIDDEN, PRIMARY, Capability.ADD),)
    steps = await diagnosed(service, link)
    assert steps[5].cause is not None
    assert (steps[5].cause.capability, steps[5].outcome) == (Capability.ADD, StageOutcome.FAILED)
    assert (await service.store.link(link.id)).state is LinkState.DEGRADED  # type: ignore[union-attr]


async def test_scopes_that_changed_are_taken_over_by_the_check(service: Service, link: CalendarLink) -> None:
    """What the refresh tells is what the stages are judged by; the link learns it from its own check."""
    fewer = tuple(scope for scope in link.granted_scopes if not scope.endswith("calendar.events"))
    service.provider.told_scopes = fewer
    probe = service.provider.probe

    async def probe_that_tells(request: ProbeRequest) -> Probe:
        return replace(await probe(request), granted_scopes=fewer)

    service.provider.probe = probe_that_tells  # type: ignore[method-assign]
    assert failing(await diagnosed(service, link)) == [(Stage.SCOPES_GRANTED, CauseReason.SCOPE_MISSING)]
    known = await service.store.link(link.id)
    assert known is not None
    assert (known.state, known.granted_scopes) == (LinkState.DEGRADED, fewer)


@pytest.mark.parametrize("stage", [Stage.GRANT_ACCEPTED, Stage.CHECK_CALENDARS_READ, Stage.BUSY_TIME_VISIBLE])
async def test_a_link_disconnected_meanwhile_ends_the_diagnosis_quietly(
    service: Service, link: CalendarLink, stage: Stage
) -> None:
    """What was met is told to its end; the link is STOPPED, and is left so."""
    steps = []
    async for step in service.diagnosis.diagnose(link.id):
        steps.append(step)
        if step.stage is stage:
            await service.ending.disconnect(link.id)
            service.provider.findings[link.id] = (REVOKED,)
    assert len(steps) == len(Stage)
    assert (await service.store.link(link.id)).state is LinkState.STOPPED  # type: ignore[union-attr]


async def test_a_link_deleted_meanwhile_ends_the_diagnosis_quietly(service: Service, link: CalendarLink) -> None:
    service.provider.findings[link.id] = (DOWN,)
    async for step in service.diagnosis.diagnose(link.id):
        if step.stage is Stage.BUSY_TIME_VISIBLE:
            await service.ending.delete(link.id)
    assert await service.store.link(link.id) is None


async def test_a_link_that_is_not_there(service: Service) -> None:
    with pytest.raises(NotFoundError):
        await anext(service.diagnosis.diagnose("nothing"))


async def test_a_stage_that_hangs_is_cancelled_and_named(service: Service, link: CalendarLink) -> None:
    """Any stage: 20 s, then it fails with NETWORK_ERROR, and the next one is tried."""
    asked, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(_link_id: str, _grant: Grant) -> list[ProviderCalendar]:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return []

    service.provider.list_calendars = hang  # type: ignore[method-assign]
    running = asyncio.create_task(diagnosed(service, link))
    await asked.wait()
    service.clock.advance(LIMIT)
    steps = await running
    assert failing(steps) == [(Stage.CALENDARS_LISTED, CauseReason.NETWORK_ERROR)]
    assert steps[3].detail == "Google has not answered within 20 s."
    assert cancelled.is_set()


async def test_a_slow_add_calendar_concerns_adding_alone(service: Service, link: CalendarLink) -> None:
    asked, probe = asyncio.Event(), service.provider.probe

    async def hang_at_adding(request: ProbeRequest) -> Probe:
        if request.add_calendar_id and not request.check_calendar_ids:
            asked.set()
            await asyncio.Event().wait()
        return await probe(request)

    service.provider.probe = hang_at_adding  # type: ignore[method-assign]
    running = asyncio.create_task(diagnosed(service, link))
    await asked.wait()
    service.clock.advance(LIMIT)
    steps = await running
    assert failing(steps) == [(Stage.ADD_CALENDAR_WRITABLE, CauseReason.NETWORK_ERROR)]
    assert steps[5].cause is not None
    assert steps[5].cause.capability is Capability.ADD


async def test_counting_looks_at_a_fortnight_of_each_check_calendar(service: Service, link: CalendarLink) -> None:
    service.provider.free_events[PRIMARY] = FreeEvents(3, more=True, access_role="owner")
    last = (await diagnosed(service, link))[-1]
    now = service.clock.now()
    assert service.provider.counted == [(PRIMARY, now, now + timedelta(days=14))]
    assert (last.outcome, last.calendars[0].free_events, last.calendars[0].more) == (StageOutcome.ADVICE, 3, True)


async def test_counting_stops_at_what_concerns_all_calendars(service: Service, link: CalendarLink) -> None:
    """Where Google asks for fewer requests, the others are not asked for; a calendar's own trouble is its own."""
    await service.selection.select(link.id, (PRIMARY, "holidays@example.com"), "")
    service.provider.free_events[PRIMARY] = Finding(CauseReason.RATE_LIMITED)
    last = (await diagnosed(service, link))[-1]
    assert [each[0] for each in service.provider.counted] == [PRIMARY]
    assert {each.cause.reason for each in last.calendars if each.cause} == {CauseReason.RATE_LIMITED}
    assert len(last.calendars) == 2
    service.provider.free_events[PRIMARY] = Finding(CauseReason.ACCESS_FORBIDDEN, PRIMARY)
    last = (await diagnosed(service, link))[-1]
    assert [each.cause is None for each in last.calendars] == [False, True]
    assert last.outcome is StageOutcome.PASSED


async def test_support_goes_with_failures_only(service: Service, link: CalendarLink) -> None:
    service.provider.listing_fails = DOWN
    steps = await diagnosed(service, link)
    assert [step.support_url for step in steps] == ["", "", "", SUPPORT, "", "", ""]
