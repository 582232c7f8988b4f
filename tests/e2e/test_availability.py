"""When pages can be booked, over the contract, with calendars at a Google that can break."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2 as cause_pb
from calguard_sandbox.google.accounts import Event
from calguard_sandbox.google.state import TEAM, Busy
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL, ANY, AUTO, refused, told

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN, BEN = "ann@example.com", "ben@example.com"
BOTH = ("ann", "ben")
Free = list[tuple[float, float, tuple[str, ...]]]


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Ann's and Ben's calendars, and a page of each mode that they are members of. Nothing is kept of calendars."""
    async with running_backend(tmp_path, availability_cache="0s") as running:
        for name in BOTH:
            await running.add_account(name)
            await running.link(name)
        for page_id, mode in (("all", ALL), ("any", ANY), ("auto", AUTO)):
            await running.add_page(page_id, mode, "ann", *BOTH)
        yield running


def put(backend: Backend, calendar_id: str, *hours: tuple[float, float]) -> None:
    now = backend.clock.now()
    backend.sandbox.google.set_busy(calendar_id, [Busy(now + start * HOUR, now + end * HOUR) for start, end in hours])


async def ask(
    backend: Backend, page_id: str, hours: float = 8, duration: timedelta = HOUR
) -> pb.QueryAvailabilityResponse:
    now = backend.clock.now()
    return await backend.availability(page_id, now, now + hours * HOUR, duration)


def free(backend: Backend, answer: pb.QueryAvailabilityResponse) -> Free:
    """The stretches, in hours from now."""
    now = backend.clock.now()
    return [
        (
            (each.start_time.ToDatetime(UTC) - now) / HOUR,
            (each.end_time.ToDatetime(UTC) - now) / HOUR,
            tuple(each.account_ids),
        )
        for each in answer.free
    ]


async def link_of(backend: Backend, account_id: str) -> links_pb.CalendarLink:
    [link] = await backend.all_links(account_id)
    return link


async def test_a_page_that_needs_all_is_free_when_all_are(backend: Backend) -> None:
    put(backend, ANN, (1, 2), (5, 5.5))
    put(backend, BEN, (2, 3), (5.25, 6))
    assert free(backend, await ask(backend, "all")) == [(0, 1, BOTH), (3, 5, BOTH), (6, 8, BOTH)]


@pytest.mark.parametrize("page_id", ["any", "auto"])
async def test_the_other_pages_are_free_when_any_is(backend: Backend, page_id: str) -> None:
    put(backend, ANN, (0, 4))
    put(backend, BEN, (3, 7.5))
    assert free(backend, await ask(backend, page_id)) == [(0, 3, ("ben",)), (4, 8, ("ann",))]


async def test_all_check_calendars_count_and_the_add_calendar_does_not(backend: Backend) -> None:
    link = await link_of(backend, "ann")
    put(backend, TEAM, (1, 2))
    put(backend, ANN, (4, 5))
    await backend.select(link.id, [TEAM], ANN)
    assert free(backend, await ask(backend, "all")) == [(0, 1, BOTH), (2, 8, BOTH)]
    await backend.select(link.id, [TEAM, ANN], ANN)
    assert free(backend, await ask(backend, "all")) == [(0, 1, BOTH), (2, 4, BOTH), (5, 8, BOTH)]


async def test_a_stopped_page_says_why(backend: Backend) -> None:
    await backend.break_link(await link_of(backend, "ann"))
    refusal = await refused(ask(backend, "all"))
    assert told(refusal) == ("FAILED_PRECONDITION", "PAGE_STOPPED")
    assert refusal.metadata == {"stop_cause": "CALENDAR_FAILURE", "faulty_account_ids": "ann"}
    await backend.stop_page("any")
    assert (await refused(ask(backend, "any"))).metadata["stop_cause"] == "OWNER"


async def test_a_faulty_member_is_named_and_never_free(backend: Backend) -> None:
    put(backend, BEN, (0, 7))
    await backend.break_link(await link_of(backend, "ann"))
    asked = backend.sandbox.google_requests.last
    answer = await ask(backend, "any")
    assert (free(backend, answer), list(answer.unknown_account_ids)) == ([(7, 8, ("ben",))], ["ann"])
    [request] = backend.sandbox.google_requests.after(asked)
    assert (request.record.endpoint, request.record.users) == ("freebusy", (BEN,))


async def test_a_calendar_that_fails_meanwhile_stops_the_page_by_a_check_at_once(backend: Backend) -> None:
    """No check is due: the question itself meets the failure, and the watch tells what comes of it."""
    watcher = backend.watch()
    await watcher.snapshot()
    assert backend.sandbox.google.revoke(ANN)
    answer = await ask(backend, "all")
    assert (list(answer.free), list(answer.unknown_account_ids)) == ([], ["ann"])
    link = await watcher.until(lambda change: change.HasField("calendar_link"))
    assert link.calendar_link.cause.reason == cause_pb.CAUSE_REASON_AUTHORIZATION_REVOKED
    assert {each.booking_page.id for each in watcher.changes} - {""} == {"all", "any", "auto"}
    assert told(await refused(ask(backend, "all"))) == ("FAILED_PRECONDITION", "PAGE_STOPPED")


async def test_one_calendar_of_several_that_fails_is_enough(backend: Backend) -> None:
    """Beside the error Google answers that it is free."""
    link = await link_of(backend, "ann")
    await backend.select(link.id, [ANN, TEAM], ANN)
    backend.sandbox.fault("freebusy/internalError", calendar_id=TEAM, user=ANN)
    answer = await ask(backend, "any")
    assert (free(backend, answer), list(answer.unknown_account_ids)) == ([(0, 8, ("ben",))], ["ann"])


async def test_what_is_kept_for_a_moment_is_not_asked_again(tmp_path: Path) -> None:
    async with running_backend(tmp_path) as backend:
        await backend.add_account("ann")
        await backend.link("ann")
        await backend.add_page("page", ANY, "ann", "ann")
        assert free(backend, await ask(backend, "page")) == [(0, 8, ("ann",))]
        put(backend, ANN, (1, 8))
        assert free(backend, await ask(backend, "page")) == [(0, 8, ("ann",))]
        backend.clock.advance(timedelta(seconds=15))
        put(backend, ANN, (1, 8))
        assert free(backend, await ask(backend, "page")) == [(0, 1, ("ann",))]


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
async def test_an_all_day_event_takes_the_day_that_the_calendars_zone_has(
    backend: Backend, zone: str, day: date, hours_long: float
) -> None:
    """From midnight to midnight there, on the day on which the clocks are put forward or back."""
    google, midnight = backend.sandbox.google, datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    start, end = midnight.astimezone(UTC), (midnight + DAY).astimezone(UTC)
    google.add_calendar(ANN, "away", summary="Away", time_zone=zone)
    resource = {"start": {"date": day.isoformat()}, "end": {"date": (day + DAY).isoformat()}}
    google.calendar("away").events["away0"] = Event("away0", start, end, resource)
    await backend.select((await link_of(backend, "ann")).id, ["away"], ANN)
    answer = await backend.availability("all", start - HOUR, end + HOUR, HOUR)
    assert [(each.start_time.ToDatetime(UTC), each.end_time.ToDatetime(UTC)) for each in answer.free] == [
        (start - HOUR, start),
        (end, end + HOUR),
    ]
    assert (end - start) / HOUR == hours_long


async def test_the_longest_window_and_appointment_are_taken(backend: Backend) -> None:
    answer = await ask(backend, "all", 62 * 24, 24 * HOUR)
    assert free(backend, answer) == [(0, 62 * 24, BOTH)]
