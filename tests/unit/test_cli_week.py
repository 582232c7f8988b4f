"""How `calguard availability` lays days out, without a server."""

import os
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard_client.cli.week import LEGEND, QUARTER, Days, Row, columns_of, rows_of

HOUR = timedelta(hours=1)
MONDAY = date(2026, 3, 2)
MIDNIGHT = datetime(2026, 3, 2, tzinfo=UTC)


def stretch(start: datetime, end: datetime, count: int = 1) -> pb.FreeStretch:
    made = pb.FreeStretch(account_ids=[f"m{number}" for number in range(count)])
    made.start_time.FromDatetime(start)
    made.end_time.FromDatetime(end)
    return made


def at(hours: float, end: float, count: int = 1) -> pb.FreeStretch:
    return stretch(MIDNIGHT + hours * HOUR, MIDNIGHT + end * HOUR, count)


def shown(*free: pb.FreeStretch, days: int = 1, begin: datetime = MIDNIGHT) -> dict[str, Sequence[str]]:
    return {row.label: row.cells for row in rows_of(Days(MONDAY, days, UTC), free, begin)}


def all_free(zone: str, first: date, days: int = 1) -> list[Row]:
    asked = Days(first, days, ZoneInfo(zone))
    return rows_of(asked, [stretch(asked.start, asked.end)], asked.start)


def test_hours_that_look_alike_share_a_row() -> None:
    assert shown(at(9, 12), at(13, 14.5)) == {
        "00:00-09:00": ("....",),
        "09:00-12:00": ("1111",),
        "12:00": ("....",),
        "13:00": ("1111",),
        "14:00": ("11..",),
        "15:00-24:00": ("....",),
    }


def test_only_hours_that_are_alike_on_every_day_share_a_row() -> None:
    assert shown(at(9, 11), at(34, 35), days=2) == {
        "00:00-09:00": ("....", "...."),
        "09:00": ("1111", "...."),
        "10:00": ("1111", "1111"),
        "11:00-24:00": ("....", "...."),
    }


def test_of_stretches_that_overlap_the_most_who_could_take_it_count() -> None:
    assert shown(at(8, 12, 2), at(9, 10, 12), at(9.5, 12, 9))["09:00"] == ("++++",)
    assert shown(at(8, 12, 2), at(9.5, 12, 9))["09:00"] == ("2299",)


def test_part_of_a_quarter_is_no_free_quarter() -> None:
    assert shown(stretch(MIDNIGHT + 9 * HOUR + QUARTER / 3, MIDNIGHT + 10 * HOUR + QUARTER / 3)) == {
        "00:00-09:00": ("....",),
        "09:00": ("-111",),
        "10:00": ("-...",),
        "11:00-24:00": ("....",),
    }


def test_what_is_past_is_blank() -> None:
    begin = MIDNIGHT + 9 * HOUR + 2 * QUARTER
    assert shown(at(9.5, 24), begin=begin) == {
        "00:00-09:00": ("    ",),
        "09:00": ("  11",),
        "10:00-24:00": ("1111",),
    }


@pytest.mark.parametrize(
    ("zone", "day", "label", "cells"),
    [
        ("America/New_York", date(2026, 3, 8), "02:00", ("1111", "    ", "1111")),
        ("America/New_York", date(2026, 11, 1), "01:00 again", ("    ", "1111", "    ")),
        ("Europe/London", date(2026, 3, 29), "01:00", ("1111", "    ", "1111")),
        ("Europe/London", date(2026, 10, 25), "01:00 again", ("    ", "1111", "    ")),
        ("Australia/Lord_Howe", date(2026, 10, 4), "02:00", ("1111", "  11", "1111")),
        ("Australia/Lord_Howe", date(2026, 4, 5), "01:00 again", ("    ", "  11", "    ")),
    ],
)
def test_an_hour_that_is_skipped_is_blank_and_one_that_comes_twice_is_there_twice(
    zone: str, day: date, label: str, cells: Sequence[str]
) -> None:
    rows = {row.label: row.cells for row in all_free(zone, day - timedelta(days=1), 3)}
    assert rows[label] == cells
    assert all(each == ("1111",) * 3 for name, each in rows.items() if name != label)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Tokyo", date(2026, 3, 8), None),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Europe/London", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
    ],
)
def test_every_quarter_of_a_day_is_shown_once(zone: str, day: date, hours: float | None) -> None:
    asked = Days(day, 1, ZoneInfo(zone))
    assert [length / HOUR for _, length in asked.uneven] == ([] if hours is None else [hours])
    quarters = sum(cell.count("1") * row.count for row in all_free(zone, day) for cell in row.cells)
    assert quarters == (hours or 24) * 4


@pytest.fixture
def in_new_york() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "America/New_York"
    time.tzset()
    yield
    if before is None:
        del os.environ["TZ"]
    else:
        os.environ["TZ"] = before
    time.tzset()


@pytest.mark.usefixtures("in_new_york")
def test_without_a_zone_days_are_the_machines_own() -> None:
    for day, label in ((date(2026, 3, 8), "02:00"), (date(2026, 11, 1), "01:00 again")):
        ours, theirs = Days(day, 1, None), Days(day, 1, ZoneInfo("America/New_York"))
        assert (ours.start, ours.end, ours.uneven) == (theirs.start, theirs.end, theirs.uneven)
        assert label in [row.label for row in rows_of(ours, [], ours.start)]


def test_a_week_and_its_legend_fit_a_narrow_terminal() -> None:
    columns = columns_of(Days(MONDAY, 7, UTC), 1)
    widths = [max(len(each.heading), len(str(each.cell(Row(0, 24, False, ("1111",) * 7))))) for each in columns]  # noqa: FBT003 - a row's own
    assert sum(widths) + 2 * (len(columns) - 1) <= 80
    assert len(LEGEND) <= 80
