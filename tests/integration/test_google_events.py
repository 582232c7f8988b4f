"""Forced refreshes, and the events that are marked Free, against the sandbox over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calguard_sandbox.google.accounts import Event
from calguard_sandbox.google.state import Busy
from calguard_sandbox.google.times import event_times
from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import FreeEvents
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from tests.integration.google_harness import ANN, HOLIDAYS, PREFIX, TEAM, World, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


async def count(google: World, grant: Grant, calendar_id: str = ANN) -> FreeEvents:
    now = google.clock.now()
    return await google.provider.count_free_events("link", grant, calendar_id, now, now + 14 * DAY)


def free(google: World, *, after: timedelta, recurrence: str = "") -> Busy:
    start = google.clock.now() + after
    return Busy(start, start + HOUR, transparent=True, recurrence=recurrence)


async def test_a_refresh_is_made_although_a_token_is_held(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    assert await google.provider.refresh("link", grant) == grant.granted_scopes
    assert google.requests("token.refresh_token") == 2
    await google.probe(grant, ANN)
    assert google.requests("token.refresh_token") == 2  # what it got is used


async def test_refreshes_at_once_are_one(google: World) -> None:
    """Each is answered by a refresh that was under way, or began, after it was asked for."""
    grant = await google.grant()
    await google.probe(grant, ANN)
    told = await asyncio.gather(*(google.provider.refresh("link", grant) for _ in range(20)))
    assert set(told) == {grant.granted_scopes}
    assert google.requests("token.refresh_token") == 2


async def test_a_refresh_tells_what_was_taken_away(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.drop_scopes(ANN, [f"{PREFIX}calendar.events"])
    told = await google.provider.refresh("link", grant)
    assert told is not None
    assert f"{PREFIX}calendar.events" not in told
    google.sandbox.google.revoke(ANN)
    with pytest.raises(ProviderFailureError) as refused:
        await google.provider.refresh("link", grant)
    assert refused.value.finding == Finding(CauseReason.AUTHORIZATION_REVOKED)


async def test_events_of_the_window_are_counted_repeated_ones_each_time(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.set_busy(
        ANN,
        [
            free(google, after=HOUR),
            free(google, after=-HOUR / 2),  # under way
            free(google, after=-2 * HOUR),
            free(google, after=14 * DAY),
            free(google, after=-70 * DAY, recurrence="RRULE:FREQ=WEEKLY"),
        ],
    )
    assert await count(google, grant) == FreeEvents(4, more=False, access_role="owner")
    assert (await count(google, grant, HOLIDAYS)) == FreeEvents(0, more=False, access_role="reader")


async def test_what_nobody_marked_free_is_not_counted(google: World) -> None:
    grant = await google.grant()
    calendar, start = google.sandbox.google.calendar(ANN), google.clock.now() + HOUR
    for kind in ("default", "workingLocation", "birthday"):
        resource = {"eventType": kind, "transparency": "transparent", **event_times(start, start + HOUR)}
        calendar.events[kind] = Event(kind, start, start + HOUR, resource)
    assert (await count(google, grant)).count == 1
    calendar.events["default"].cancelled = True
    assert (await count(google, grant)).count == 0


async def test_pages_are_read_to_a_bound(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.set_busy(ANN, [free(google, after=HOUR)] * 2_501)
    assert await count(google, grant) == FreeEvents(2_501, more=False, access_role="owner")
    assert google.requests("events.list") == 2
    body = {"kind": "calendar#events", "accessRole": "owner", "items": [], "nextPageToken": "again"}
    google.fault({"status": 200, "body": body}, endpoint="events.list")
    assert await count(google, grant) == FreeEvents(0, more=True, access_role="owner")
    assert google.requests("events.list") == 2 + 4


async def test_a_role_that_shows_times_only_is_told(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.set_busy(TEAM, [free(google, after=HOUR)])
    google.sandbox.google.share(ANN, TEAM, "freeBusyReader")
    assert await count(google, grant, TEAM) == FreeEvents(0, more=False, access_role="freeBusyReader")


async def test_what_keeps_events_from_being_listed_is_named(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.unshare(ANN, TEAM)
    with pytest.raises(ProviderFailureError) as gone:
        await count(google, grant, TEAM)
    assert gone.value.finding == Finding(CauseReason.CALENDAR_NOT_VISIBLE, TEAM)
    google.sandbox.google.drop_scopes(ANN, [f"{PREFIX}calendar.events"])
    with pytest.raises(ProviderFailureError) as unticked:
        await count(google, grant)
    assert unticked.value.finding == Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD)


async def test_a_dead_access_token_costs_one_refresh(google: World) -> None:
    grant = await google.grant()
    await count(google, grant)
    google.sandbox.google.expire_access_tokens()
    assert (await count(google, grant)).count == 0
    assert google.requests("token.refresh_token") == 2
