"""What events take of the time in which a page can be booked, over the contract, as Google's calendars hold them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from calguard_sandbox.google import times
from calguard_sandbox.google.accounts import Event
from calguard_sandbox.google.state import TEAM
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL, ANY

ANN, BEN = "ann@example.com", "ben@example.com"
Resource = dict[str, Any]
Span = tuple[str, str]
DAY: Span = ("2026-03-09T00:00Z", "2026-03-10T00:00Z")
FREE = [DAY]
NOT_FROM_TEN = [("2026-03-09T00:00Z", "2026-03-09T10:00Z"), ("2026-03-09T11:00Z", "2026-03-10T00:00Z")]


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Ann's calendar and Ben's, a page of Ann's, and one that takes either. Nothing is kept of calendars."""
    async with running_backend(tmp_path, availability_cache="0s") as running:
        for name in ("ann", "ben"):
            await running.add_account(name)
            await running.link(name)
        await running.add_page("ann", ALL, "ann", "ann")
        await running.add_page("any", ANY, "ann", "ann", "ben")
        yield running


def timed(start: str, end: str, zone: str = "UTC", **more: object) -> Resource:
    """An event from one wall clock's time to another, of 9 March 2026 where no date is given."""
    at = ({"dateTime": each if "T" in each else f"2026-03-09T{each}:00", "timeZone": zone} for each in (start, end))
    return {**dict(zip(("start", "end"), at, strict=True)), **more}


def all_day(first: str, day_after: str) -> Resource:
    return {"start": {"date": first}, "end": {"date": day_after}}


def answered(**answers: str) -> list[Resource]:
    return [{"email": f"{name}@example.com", "responseStatus": answer} for name, answer in answers.items()]


def put(backend: Backend, calendar_id: str, *resources: Resource, zone: str = "UTC") -> None:
    """Have a calendar hold events, as it would if they had been inserted."""
    calendar = backend.sandbox.google.calendar(calendar_id)
    calendar.time_zone = zone
    for number, resource in enumerate(resources):
        start, end = (times.event_time(resource[name], zone) for name in ("start", "end"))
        cancelled = resource.get("status") == "cancelled"
        calendar.events[f"event{number}"] = Event(f"event{number}", start, end, resource, cancelled)


async def free(backend: Backend, page_id: str, window: Span, minutes: int = 60) -> list[tuple[Span, tuple[str, ...]]]:
    start, end = map(datetime.fromisoformat, window)
    answer = await backend.availability(page_id, start, end, timedelta(minutes=minutes))
    return [
        ((text(each.start_time.ToDatetime(UTC)), text(each.end_time.ToDatetime(UTC))), tuple(each.account_ids))
        for each in answer.free
    ]


def text(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%MZ")


MEETING = ("10:00", "11:00")
ROWS: dict[str, tuple[Resource, list[Span]]] = {
    "plain": (timed(*MEETING), NOT_FROM_TEN),
    "accepted": (timed(*MEETING, attendees=answered(ann="accepted", ben="declined")), NOT_FROM_TEN),
    "tentative": (timed(*MEETING, attendees=answered(ann="tentative")), NOT_FROM_TEN),
    "not_answered": (timed(*MEETING, attendees=answered(ann="needsAction")), NOT_FROM_TEN),
    "declined": (timed(*MEETING, attendees=answered(ann="declined", ben="accepted")), FREE),
    "marked_free": (timed(*MEETING, transparency="transparent"), FREE),
    "deleted": (timed(*MEETING, status="cancelled"), FREE),
    "of_no_length": (timed("10:00", "10:00"), FREE),
    "until_the_window": (timed("2026-03-08T22:00:00", "00:00"), FREE),
    "from_the_windows_end_on": (timed("2026-03-10T00:00:00", "2026-03-10T02:00:00"), FREE),
    "longer_than_the_window": (timed("2026-03-08T22:00:00", "2026-03-11T02:00:00"), []),
    "written_with_an_offset": (timed("2026-03-09T15:30:00+05:30", "2026-03-09T06:00:00-05:00"), NOT_FROM_TEN),
    "in_another_zone": (timed("19:00", "20:00", "Asia/Tokyo"), NOT_FROM_TEN),
    "each_day_since_a_week_ago": (
        timed("2026-03-02T10:00:00", "2026-03-02T11:00:00", recurrence=["RRULE:FREQ=DAILY;COUNT=30"]),
        NOT_FROM_TEN,
    ),
}


@pytest.mark.parametrize(("event", "expected"), ROWS.values(), ids=ROWS)
async def test_what_an_event_takes_of_a_day(backend: Backend, event: Resource, expected: list[Span]) -> None:
    put(backend, ANN, event)
    assert await free(backend, "ann", DAY) == [(span, ("ann",)) for span in expected]


ZONED: dict[str, tuple[str, Resource, Span, Span]] = {
    "all_day_far_from_who_asks": (
        "Asia/Tokyo",
        all_day("2026-03-10", "2026-03-11"),
        ("2026-03-09T00:00Z", "2026-03-12T00:00Z"),
        ("2026-03-09T15:00Z", "2026-03-10T15:00Z"),
    ),
    "all_day_with_half_an_hour": (
        "Asia/Kolkata",
        all_day("2026-03-10", "2026-03-11"),
        ("2026-03-09T00:00Z", "2026-03-12T00:00Z"),
        ("2026-03-09T18:30Z", "2026-03-10T18:30Z"),
    ),
    "days_on_end_while_clocks_go_forward": (
        "Europe/London",
        all_day("2026-03-27", "2026-03-31"),
        ("2026-03-26T00:00Z", "2026-04-01T00:00Z"),
        ("2026-03-27T00:00Z", "2026-03-30T23:00Z"),
    ),
    "days_on_end_while_clocks_go_back": (
        "America/New_York",
        all_day("2026-10-31", "2026-11-03"),
        ("2026-10-30T00:00Z", "2026-11-05T00:00Z"),
        ("2026-10-31T04:00Z", "2026-11-03T05:00Z"),
    ),
    "a_night_of_seven_hours": (
        "Europe/London",
        timed("2026-03-28T22:00:00", "2026-03-29T06:00:00", "Europe/London"),
        ("2026-03-28T12:00Z", "2026-03-29T12:00Z"),
        ("2026-03-28T22:00Z", "2026-03-29T05:00Z"),
    ),
    "an_hour_that_there_is_not": (
        "America/New_York",
        timed("2026-03-08T01:30:00", "2026-03-08T03:30:00", "America/New_York"),
        ("2026-03-08T00:00Z", "2026-03-09T00:00Z"),
        ("2026-03-08T06:30Z", "2026-03-08T07:30Z"),
    ),
    "an_hour_that_there_is_twice": (
        "America/New_York",
        timed("2026-11-01T01:30:00-04:00", "2026-11-01T01:30:00-05:00", "America/New_York"),
        ("2026-11-01T00:00Z", "2026-11-02T00:00Z"),
        ("2026-11-01T05:30Z", "2026-11-01T06:30Z"),
    ),
}


@pytest.mark.parametrize(("zone", "event", "window", "taken"), ZONED.values(), ids=ZONED)
async def test_what_an_event_takes_by_its_own_clock(
    backend: Backend, zone: str, event: Resource, window: Span, taken: Span
) -> None:
    put(backend, ANN, event, zone=zone)
    before, after = (window[0], taken[0]), (taken[1], window[1])
    assert await free(backend, "ann", window) == [(before, ("ann",)), (after, ("ann",))]


async def test_events_that_touch_or_overlap_leave_what_is_long_enough(backend: Backend) -> None:
    """Between them an hour to the minute is free, and one minute less is not."""
    put(
        backend,
        ANN,
        timed("08:00", "09:00"),
        timed("09:00", "10:00"),
        timed("11:00", "13:00"),
        timed("12:00", "12:30"),
        timed("13:59", "15:00"),
    )
    assert [span for span, _ in await free(backend, "ann", DAY)] == [
        ("2026-03-09T00:00Z", "2026-03-09T08:00Z"),
        ("2026-03-09T10:00Z", "2026-03-09T11:00Z"),
        ("2026-03-09T15:00Z", "2026-03-10T00:00Z"),
    ]
    assert ("2026-03-09T13:00Z", "2026-03-09T13:59Z") in [span for span, _ in await free(backend, "ann", DAY, 59)]


async def test_calendars_that_overlap_are_busy_when_any_is(backend: Backend) -> None:
    """Of one link and of two members: one that both look at is busy for both, and an event in two is one."""
    for account_id, calendar_ids in (("ann", [ANN, TEAM]), ("ben", [TEAM])):
        [link] = await backend.all_links(account_id)
        await backend.select(link.id, calendar_ids, calendar_ids[0])
    put(backend, ANN, timed("09:00", "11:00"), timed("14:00", "15:00"))
    put(backend, TEAM, timed("10:00", "12:00"), timed("14:00", "15:00"), timed("15:00", "16:00"))
    put(backend, BEN, timed("00:00", "23:00"))
    early, noon, late = (
        ("2026-03-09T00:00Z", "2026-03-09T10:00Z"),
        ("2026-03-09T12:00Z", "2026-03-09T14:00Z"),
        ("2026-03-09T16:00Z", "2026-03-10T00:00Z"),
    )
    anns = ("2026-03-09T00:00Z", "2026-03-09T09:00Z")
    both = ("ann", "ben")
    assert await free(backend, "ann", DAY) == [(each, ("ann",)) for each in (anns, noon, late)]
    assert await free(backend, "any", DAY) == [(early, ("ben",)), (anns, both), (noon, both), (late, both)]


async def test_a_day_that_one_has_off_by_the_calendar_is_the_others_by_theirs(backend: Backend) -> None:
    """Ann is away on a day of Tokyo, Ben on the same date of New York: for 11 hours both are away."""
    put(backend, ANN, all_day("2026-03-09", "2026-03-10"), zone="Asia/Tokyo")
    put(backend, BEN, all_day("2026-03-09", "2026-03-10"), zone="America/New_York")
    assert await free(backend, "any", ("2026-03-08T12:00Z", "2026-03-10T12:00Z")) == [
        (("2026-03-08T12:00Z", "2026-03-09T04:00Z"), ("ben",)),
        (("2026-03-08T12:00Z", "2026-03-08T15:00Z"), ("ann", "ben")),
        (("2026-03-09T15:00Z", "2026-03-10T12:00Z"), ("ann",)),
        (("2026-03-10T04:00Z", "2026-03-10T12:00Z"), ("ann", "ben")),
    ]
