"""Busy time of calendars, asked of the sandbox over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from calguard_sandbox.google.state import Busy
from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.engine.ports.appointment_calendars import AppointmentCalendars, BusyTimes
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from tests.integration.google_harness import ANN, HOLIDAYS, PREFIX, TEAM, World, raw_server, sends, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


def hours(google: World, start: float, end: float) -> Interval:
    """Hours from now on."""
    now = google.clock.now()
    return Interval(now + start * HOUR, now + end * HOUR)


def put(google: World, calendar_id: str, *times: Interval) -> None:
    google.sandbox.google.set_busy(calendar_id, [Busy(each.start, each.end) for each in times])


async def ask(google: World, grant: Grant, *calendar_ids: str, window: Interval | None = None) -> BusyTimes:
    provider: AppointmentCalendars = google.provider
    return await provider.busy_times("link", grant, calendar_ids, window or hours(google, 0, 24 * 28))


async def test_each_calendar_has_its_own_busy_time(google: World) -> None:
    put(google, ANN, hours(google, 1, 2), hours(google, 5, 30))
    put(google, TEAM, hours(google, 1.5, 3))
    answer = await ask(google, await google.grant(), ANN, TEAM, HOLIDAYS)
    assert answer == BusyTimes(
        {ANN: (hours(google, 1, 2), hours(google, 5, 30)), TEAM: (hours(google, 1.5, 3),), HOLIDAYS: ()}
    )


async def test_what_touches_or_overlaps_is_one_stretch(google: World) -> None:
    put(google, ANN, hours(google, 1, 2), hours(google, 2, 3), hours(google, 2.5, 4), hours(google, 6, 7))
    answer = await ask(google, await google.grant(), ANN)
    assert answer.busy[ANN] == (hours(google, 1, 4), hours(google, 6, 7))


async def test_offsets_are_read_and_events_of_no_length_take_no_time(google: World) -> None:
    spans = [
        {"start": "2026-03-02T19:30:00+10:30", "end": "2026-03-02T10:00:00+00:00"},
        {"start": "2026-03-02T05:00:00-05:00", "end": "2026-03-02T10:30:00Z"},
        {"start": "2026-03-02T15:00:00Z", "end": "2026-03-02T15:00:00Z"},
    ]
    grant = await google.grant()
    google.fault({"status": 200, "body": {"calendars": {ANN: {"busy": spans}}}}, endpoint="freebusy")
    assert (await ask(google, grant, ANN)).busy == {ANN: (hours(google, 0, 1.5),)}


@pytest.mark.parametrize(
    "span",
    [
        {"start": "2026-03-02T10:00:00", "end": "2026-03-02T11:00:00Z"},
        {"start": "2026-03-02T12:00:00Z", "end": "2026-03-02T11:00:00Z"},
        {"start": "2026-03-02T10:00:00Z"},
        {"start": "0001-01-01T00:00:00+10:00", "end": "2026-03-02T11:00:00Z"},
        {"start": 5, "end": 6},
        "soon",
    ],
)
async def test_busy_time_that_cannot_be_read_is_never_free(google: World, span: object) -> None:
    grant = await google.grant()
    google.fault(
        {"status": 200, "body": {"calendars": {ANN: {"busy": [span]}, TEAM: {"busy": []}}}}, endpoint="freebusy"
    )
    assert await ask(google, grant, ANN, TEAM) == BusyTimes(
        {TEAM: ()}, (Finding(CauseReason.PROVIDER_UNAVAILABLE, ANN),)
    )


@pytest.mark.parametrize(
    ("zone", "day", "hours_long"),
    [
        ("Asia/Tokyo", date(2026, 3, 8), 24),
        ("America/New_York", date(2026, 3, 8), 23),
        ("America/New_York", date(2026, 11, 1), 25),
        ("Europe/London", date(2026, 3, 29), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ],
)
async def test_a_day_is_as_long_as_it_is_in_the_calendars_zone(
    google: World, zone: str, day: date, hours_long: float
) -> None:
    """An all-day event on the day on which the clocks are put forward or back."""
    google.sandbox.google.add_calendar(ANN, "away", summary="Away", time_zone=zone)
    grant = await google.grant()
    await google.probe(grant, ANN)
    all_day = {"start": {"date": day.isoformat()}, "end": {"date": (day + DAY).isoformat()}}
    await google.put_event("away", {**all_day, "summary": "Away"})
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    (busy,) = (await ask(google, grant, "away", window=Interval(noon - 2 * DAY, noon + 2 * DAY))).busy["away"]
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    assert busy == Interval(midnight, midnight + hours_long * HOUR)


async def test_days_on_end_are_one_stretch_across_the_change_of_clocks(google: World) -> None:
    google.sandbox.google.add_calendar(ANN, "away", summary="Away", time_zone="Europe/London")
    grant = await google.grant()
    await google.probe(grant, ANN)
    await google.put_event("away", {"start": {"date": "2026-03-27"}, "end": {"date": "2026-03-31"}})
    (busy,) = (await ask(google, grant, "away", window=hours(google, 0, 24 * 60))).busy["away"]
    assert busy == Interval(datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 3, 30, 23, tzinfo=UTC))


async def test_declined_free_and_deleted_events_take_no_time(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    one = hours(google, 1, 2)
    times = {"start": {"dateTime": one.start.isoformat()}, "end": {"dateTime": one.end.isoformat()}}
    await google.put_event(ANN, {**times, "attendees": [{"email": ANN, "responseStatus": "declined"}]})
    await google.put_event(ANN, {**times, "transparency": "transparent"})
    await google.put_event(ANN, {**times, "id": "deleted0"})
    google.sandbox.google.calendar(ANN).events["deleted0"].cancelled = True
    assert (await ask(google, grant, ANN)).busy == {ANN: ()}
    await google.put_event(ANN, {**times, "attendees": [{"email": "bo@example.com", "responseStatus": "declined"}]})
    assert (await ask(google, grant, ANN)).busy == {ANN: (one,)}


async def test_fifty_calendars_a_query_side_by_side(google: World) -> None:
    names = [f"room-{number}@group.calendar.google.com" for number in range(120)]
    for number, name in enumerate(names):
        google.sandbox.google.add_calendar(ANN, name, summary=name)
        put(google, name, hours(google, number, number + 1))
    google.sandbox.google.unshare(ANN, names[119])
    answer = await ask(google, await google.grant(), *names, names[0])
    assert answer.busy == {name: (hours(google, number, number + 1),) for number, name in enumerate(names[:119])}
    assert answer.failed == (Finding(CauseReason.CALENDAR_NOT_VISIBLE, names[119]),)
    assert google.requests("freebusy") == 3


async def test_a_window_longer_than_google_takes_is_asked_for_in_parts(google: World) -> None:
    """A busy stretch across the seam comes back as one."""
    whole = hours(google, 0, 24 * 200)
    put(google, ANN, hours(google, 24 * 80 - 1, 24 * 80 + 1), hours(google, 24 * 199, 24 * 199 + 1))
    answer = await ask(google, await google.grant(), ANN, window=whole)
    assert answer.busy[ANN] == (hours(google, 24 * 80 - 1, 24 * 80 + 1), hours(google, 24 * 199, 24 * 199 + 1))
    assert google.requests("freebusy") == 3


async def test_a_calendar_that_fails_in_one_part_of_the_window_has_failed(google: World) -> None:
    grant = await google.grant()
    google.fault("api/backendError", endpoint="freebusy", times=1)
    answer = await ask(google, grant, ANN, TEAM, window=hours(google, 0, 24 * 100))
    unavailable = CauseReason.PROVIDER_UNAVAILABLE
    assert answer == BusyTimes({}, (Finding(unavailable, ANN), Finding(unavailable, TEAM)))


async def test_a_query_that_google_finds_too_large_is_halved(google: World) -> None:
    put(google, TEAM, hours(google, 1, 2))
    grant = await google.grant()
    google.fault("freebusy/tooManyCalendarsRequested", times=1)
    assert (await ask(google, grant, ANN, TEAM, HOLIDAYS)).busy == {ANN: (), TEAM: (hours(google, 1, 2),), HOLIDAYS: ()}
    assert google.requests("freebusy") == 3


async def test_one_calendar_that_google_finds_too_many_has_failed(google: World) -> None:
    grant = await google.grant()
    google.fault("freebusy/groupTooBig")
    assert await ask(google, grant, ANN) == BusyTimes({}, (Finding(CauseReason.PROVIDER_UNAVAILABLE, ANN),))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("freebusy/notFound", CauseReason.CALENDAR_NOT_VISIBLE),
        ("freebusy/forbidden", CauseReason.ACCESS_FORBIDDEN),
        ("freebusy/internalError", CauseReason.PROVIDER_UNAVAILABLE),
        ("freebusy/unknown", CauseReason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_an_error_of_one_calendar_leaves_the_others_readable(
    google: World, fault: str, reason: CauseReason
) -> None:
    """An empty `busy` beside the error is not free time."""
    grant = await google.grant()
    google.sandbox.fault(fault, surface="google", calendar_id=TEAM)
    assert await ask(google, grant, ANN, TEAM) == BusyTimes({ANN: ()}, (Finding(reason, TEAM),))


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("token/invalid_grant", CauseReason.AUTHORIZATION_REVOKED),
        ("token/invalid_rapt", CauseReason.SESSION_POLICY),
        ("token/account_deleted", CauseReason.ACCOUNT_UNAVAILABLE),
        ("token/admin_policy_enforced", CauseReason.ADMIN_BLOCKED),
        ("token/deleted_client", CauseReason.APP_MISCONFIGURED),
        ("token/503_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/insufficientPermissions", CauseReason.SCOPE_MISSING),
        ("api/ACCESS_TOKEN_SCOPE_INSUFFICIENT", CauseReason.SCOPE_MISSING),
        ("api/notFound", CauseReason.CALENDAR_NOT_VISIBLE),
        ("api/forbidden", CauseReason.ACCESS_FORBIDDEN),
        ("api/403_unknown", CauseReason.ACCESS_FORBIDDEN),
        ("api/notACalendarUser", CauseReason.CALENDAR_SERVICE_OFF),
        ("api/429_rateLimitExceeded", CauseReason.RATE_LIMITED),
        ("api/userRateLimitExceeded", CauseReason.RATE_LIMITED),
        ("api/quotaExceeded", CauseReason.QUOTA_EXHAUSTED),
        ("api/accessNotConfigured", CauseReason.APP_MISCONFIGURED),
        ("api/authError", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/503_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/200_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/200_list", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/200_truncated", CauseReason.PROVIDER_UNAVAILABLE),
        ("network/drop", CauseReason.NETWORK_ERROR),
        ("network/garbage", CauseReason.NETWORK_ERROR),
        ("network/cut_short", CauseReason.NETWORK_ERROR),
    ],
)
async def test_what_fails_as_a_whole_says_why(google: World, fault: str, reason: CauseReason) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint="token" if fault.startswith("token/") else "freebusy")
    with pytest.raises(ProviderFailureError) as failed:
        await ask(google, grant, ANN)
    assert failed.value.reason is reason


async def test_silence_is_trouble_with_the_network(google: World) -> None:
    grant = await google.grant()
    google.fault("network/hang", endpoint="freebusy")
    provider = google.rewired(total_timeout=timedelta(milliseconds=200))
    with pytest.raises(ProviderFailureError) as failed:
        await provider.busy_times("link", grant, (ANN,), hours(google, 0, 24))
    assert failed.value.reason is CauseReason.NETWORK_ERROR


async def test_an_answer_that_is_too_large_is_not_read(google: World) -> None:
    grant = await google.grant()
    async with raw_server(sends(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000)) as address:
        provider = google.rewired(api_endpoint=address, answer_limit=4096)
        with pytest.raises(ProviderFailureError) as failed:
            await provider.busy_times("link", grant, (ANN,), hours(google, 0, 24))
    assert failed.value.reason is CauseReason.PROVIDER_UNAVAILABLE


async def test_a_scope_that_lacks_is_named(google: World) -> None:
    grant = await google.grant([f"{PREFIX}calendar.events"])
    with pytest.raises(ProviderFailureError) as failed:
        await ask(google, grant, ANN)
    assert failed.value.finding == Finding(CauseReason.SCOPE_MISSING, capability=Capability.CHECK)


async def test_a_dead_access_token_costs_one_refresh_however_many_queries_meet_it(google: World) -> None:
    names = [f"room-{number}@group.calendar.google.com" for number in range(120)]
    for name in names:
        google.sandbox.google.add_calendar(ANN, name, summary=name)
    grant = await google.grant()
    await asyncio.gather(ask(google, grant, *names), ask(google, grant, ANN))
    assert google.requests("token.refresh_token") == 1
    google.sandbox.google.expire_access_tokens()
    assert not (await ask(google, grant, *names)).failed
    assert google.requests("token.refresh_token") == 2
