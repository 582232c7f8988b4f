"""Writing appointments to calendars and deleting them, against the sandbox over real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from calguard_server.domain.appointment import Attendee
from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.engine.ports.appointment_calendars import EntryDraft
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import EventIdTakenError, ProviderFailureError
from calguard_server.google.calendar import CalendarRequests
from tests.integration.google_harness import ANN, HOLIDAYS, PREFIX, TEAM, World, world

HOUR = timedelta(hours=1)
ID = "cg0123456789abcdefghijklmn"


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


def draft(google: World, calendar_id: str = ANN, *attendees: Attendee) -> EntryDraft:
    now = google.clock.now()
    return EntryDraft(
        calendar_id=calendar_id,
        event_id=ID,
        title="Interview",
        time=Interval(now + HOUR, now + 2 * HOUR),
        time_zone="Asia/Tokyo",
        attendees=attendees,
    )


async def add(google: World, grant: Grant, calendar_id: str = ANN) -> None:
    await google.provider.add_entry("link", grant, draft(google, calendar_id))


async def remove(google: World, grant: Grant, calendar_id: str = ANN) -> None:
    await google.provider.remove_entry("link", grant, calendar_id, ID)


async def test_an_appointment_is_written_as_it_is(google: World) -> None:
    grant = await google.grant()
    guests = (Attendee("guest@example.com", "Guest"), Attendee("other@example.com"))
    await google.provider.add_entry("link", grant, draft(google, TEAM, *guests))
    event = google.sandbox.google.calendar(TEAM).events[ID]
    assert Interval(event.start, event.end) == draft(google).time
    assert event.blocks
    assert event.resource["summary"] == "Interview"
    assert event.resource["start"]["timeZone"] == event.resource["end"]["timeZone"] == "Asia/Tokyo"
    assert event.resource["attendees"] == [
        {"email": "guest@example.com", "displayName": "Guest"},
        {"email": "other@example.com"},
    ]


def test_google_tells_those_who_take_part(google: World) -> None:
    """Of what is written and of what is deleted."""
    requests = CalendarRequests(google.options)
    assert "sendUpdates=all" in requests.insert_event(draft(google)).address
    assert "sendUpdates=all" in requests.delete_event(ANN, ID).address


async def test_what_is_written_twice_is_there_once(google: World) -> None:
    grant = await google.grant()
    for _ in range(2):
        await add(google, grant)
    assert list(google.sandbox.google.calendar(ANN).events) == [ID]


async def test_an_answer_that_was_lost_is_made_good_by_the_next_try(google: World) -> None:
    grant = await google.grant()
    google.fault("network/drop_after", endpoint="events.insert", times=1)
    with pytest.raises(ProviderFailureError) as lost:
        await add(google, grant)
    assert lost.value.reason is CauseReason.NETWORK_ERROR
    await add(google, grant)
    assert list(google.sandbox.google.calendar(ANN).events) == [ID]


async def test_an_event_that_was_moved_since_is_left_as_it_is(google: World) -> None:
    grant = await google.grant()
    await add(google, grant)
    event = google.sandbox.google.calendar(ANN).events[ID]
    event.start, event.end = event.start + HOUR, event.end + HOUR
    await add(google, grant)
    assert event.start == draft(google).time.start + HOUR


async def test_an_event_that_was_deleted_is_not_taken_for_one_that_is_there(google: World) -> None:
    grant = await google.grant()
    await add(google, grant)
    google.sandbox.google.calendar(ANN).events[ID].cancelled = True
    with pytest.raises(EventIdTakenError):
        await add(google, grant)


async def test_an_event_of_somebody_elses_is_not_taken_for_ours(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    times = {"dateTime": google.clock.now().isoformat()}
    await google.put_event(ANN, {"id": ID, "start": times, "end": times})
    with pytest.raises(EventIdTakenError):
        await add(google, grant)


async def test_what_keeps_from_looking_at_a_taken_id_is_named(google: World) -> None:
    grant = await google.grant()
    await add(google, grant)
    google.fault("api/429_rateLimitExceeded", endpoint="events.get")
    with pytest.raises(ProviderFailureError) as limited:
        await add(google, grant)
    assert limited.value.finding == Finding(CauseReason.RATE_LIMITED, retry_after=timedelta(seconds=7))


async def test_what_is_deleted_twice_is_gone(google: World) -> None:
    grant = await google.grant()
    await add(google, grant)
    for _ in range(2):
        await remove(google, grant)
    assert google.sandbox.google.calendar(ANN).events[ID].cancelled


async def test_what_never_was_there_is_gone(google: World) -> None:
    """404 of an event, in calendars that can be seen, whatever the role."""
    grant = await google.grant()
    await remove(google, grant)
    google.fault("api/notFound", endpoint="events.delete")
    await remove(google, grant, HOLIDAYS)


async def test_in_a_calendar_that_cannot_be_seen_nothing_is_known_to_be_gone(google: World) -> None:
    grant = await google.grant()
    google.sandbox.google.unshare(ANN, TEAM)
    with pytest.raises(ProviderFailureError) as unseen:
        await remove(google, grant, TEAM)
    assert unseen.value.finding == Finding(CauseReason.ADD_CALENDAR_NOT_VISIBLE, TEAM)


FAULTS = [
    ("token/invalid_grant", Finding(CauseReason.AUTHORIZATION_REVOKED)),
    ("token/invalid_rapt", Finding(CauseReason.SESSION_POLICY)),
    ("token/account_deleted", Finding(CauseReason.ACCOUNT_UNAVAILABLE)),
    ("token/org_internal", Finding(CauseReason.ADMIN_BLOCKED)),
    ("token/invalid_client", Finding(CauseReason.APP_MISCONFIGURED)),
    ("api/insufficientPermissions", Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD)),
    ("api/ACCESS_TOKEN_SCOPE_INSUFFICIENT", Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD)),
    ("api/requiredAccessLevel", Finding(CauseReason.CALENDAR_READ_ONLY, ANN)),
    ("api/forbidden", Finding(CauseReason.ACCESS_FORBIDDEN, ANN)),
    ("api/403_unknown", Finding(CauseReason.ACCESS_FORBIDDEN, ANN)),
    ("api/403_html", Finding(CauseReason.PROVIDER_UNAVAILABLE)),
    ("api/notACalendarUser", Finding(CauseReason.CALENDAR_SERVICE_OFF)),
    ("api/429_rateLimitExceeded", Finding(CauseReason.RATE_LIMITED, retry_after=timedelta(seconds=7))),
    ("api/rateLimitExceeded", Finding(CauseReason.RATE_LIMITED)),
    ("api/quotaExceeded", Finding(CauseReason.QUOTA_EXHAUSTED)),
    ("api/dailyLimitExceeded", Finding(CauseReason.QUOTA_EXHAUSTED)),
    ("api/SERVICE_DISABLED", Finding(CauseReason.APP_MISCONFIGURED)),
    ("api/authError", Finding(CauseReason.PROVIDER_UNAVAILABLE)),
    ("api/internalError", Finding(CauseReason.PROVIDER_UNAVAILABLE)),
    ("api/200_html", Finding(CauseReason.PROVIDER_UNAVAILABLE)),
    ("network/drop", Finding(CauseReason.NETWORK_ERROR)),
    ("network/garbage", Finding(CauseReason.NETWORK_ERROR)),
]


@pytest.mark.parametrize(
    ("fault", "finding"), [*FAULTS, ("api/notFound", Finding(CauseReason.ADD_CALENDAR_NOT_VISIBLE, ANN))]
)
async def test_what_keeps_an_event_from_being_written_is_named(google: World, fault: str, finding: Finding) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint="token" if fault.startswith("token/") else "events.insert")
    with pytest.raises(ProviderFailureError) as failed:
        await add(google, grant)
    assert failed.value.finding == finding


@pytest.mark.parametrize(("fault", "finding"), FAULTS)
async def test_what_keeps_an_event_from_being_deleted_is_named(google: World, fault: str, finding: Finding) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint="token" if fault.startswith("token/") else "events.delete")
    with pytest.raises(ProviderFailureError) as failed:
        await remove(google, grant)
    assert failed.value.finding == finding


async def test_a_role_below_writer_is_told_by_google(google: World) -> None:
    with pytest.raises(ProviderFailureError) as refused:
        await add(google, await google.grant(), HOLIDAYS)
    assert refused.value.finding == Finding(CauseReason.CALENDAR_READ_ONLY, HOLIDAYS)


async def test_a_scope_that_lacks_is_named(google: World) -> None:
    grant = await google.grant([f"{PREFIX}calendar.freebusy"])
    with pytest.raises(ProviderFailureError) as refused:
        await add(google, grant)
    assert refused.value.finding == Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD)


async def test_a_dead_access_token_costs_one_refresh(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.sandbox.google.expire_access_tokens()
    await add(google, grant)
    assert google.requests("token.refresh_token") == 2
    google.sandbox.google.expire_access_tokens()
    await remove(google, grant)
    assert google.requests("token.refresh_token") == 3
