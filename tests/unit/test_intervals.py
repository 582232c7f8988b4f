"""Stretches of time, held against a row of minutes; and days on which clocks are put forward or back."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from calguard_server.domain.intervals import Interval, gaps, merged
from tests.unit.minute_grid import LENGTH, WINDOW, an_interval, at, minutes_of, some_intervals


@given(some_intervals)
def test_what_is_put_together_covers_the_same_and_neither_overlaps_nor_touches(intervals: list[Interval]) -> None:
    together = merged(intervals)
    assert minutes_of(together) == minutes_of(intervals)
    assert all(one.end < other.start for one, other in pairwise(together))


@given(some_intervals)
def test_gaps_are_the_minutes_that_nobody_takes(taken: list[Interval]) -> None:
    free = gaps(WINDOW, taken)
    assert minutes_of(free) == frozenset(range(LENGTH)) - minutes_of(taken)
    assert all(one.end < other.start for one, other in pairwise(free))
    assert all(WINDOW.start <= each.start < each.end <= WINDOW.end for each in free)


@given(an_interval(), an_interval())
def test_overlapping_is_having_a_minute_in_common(one: Interval, other: Interval) -> None:
    common = one.within(other)
    assert (common is not None) == one.overlaps(other) == other.overlaps(one)
    if common is not None:
        assert minutes_of([common]) == minutes_of([one]) & minutes_of([other])


def test_what_only_touches_is_free_on_both_sides() -> None:
    assert gaps(WINDOW, [at(10, 20), at(20, 30)]) == [at(0, 10), at(30, 40)]
    assert not at(10, 20).overlaps(at(20, 30))


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Tokyo", (2026, 3, 29), 24.0),
        ("America/New_York", (2026, 3, 8), 23.0),
        ("America/New_York", (2026, 11, 1), 25.0),
        ("Europe/London", (2026, 3, 29), 23.0),
        ("Europe/London", (2026, 10, 25), 25.0),
        ("Australia/Lord_Howe", (2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", (2026, 10, 4), 23.5),
    ],
)
def test_a_day_is_as_long_as_it_is(zone: str, day: tuple[int, int, int], hours: float) -> None:
    """An all-day event takes the day of its zone, from midnight to midnight, whatever the clocks do in between."""
    midnight = datetime(*day, tzinfo=ZoneInfo(zone))
    whole_day = Interval(midnight.astimezone(UTC), (midnight + timedelta(days=1)).astimezone(UTC))
    assert whole_day.length == timedelta(hours=hours)
    window = Interval(whole_day.start - timedelta(hours=1), whole_day.end + timedelta(hours=1))
    before, after = gaps(window, [whole_day])
    assert (before.length, after.length) == (timedelta(hours=1), timedelta(hours=1))
