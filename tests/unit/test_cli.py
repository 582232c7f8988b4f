"""How `calguard` writes values and fits tables, without a server."""

from datetime import datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console

from calguard.v1 import calendar_link_pb2
from calguard_client.cli.cells import clean, enum_name, moment, text
from calguard_client.cli.table import Column, fit_table

LINK = calendar_link_pb2.CalendarLink(state=calendar_link_pb2.CALENDAR_LINK_STATE_DEGRADED)

COLUMNS: tuple[Column[tuple[str, ...]], ...] = (
    Column("id", lambda item: item[0]),
    Column("name", lambda item: item[1], folds=True),
    Column("state", lambda item: item[2]),
)
ITEMS = (("link-0001", "a rather long name of several words", "LINKED"),)


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("two\nlines\tand\u2028more", "two lines and more"),
        ("\x1b[31mred\x07\x7f\x9b", "[31mred"),
        ("\u202eabc\u2066\u200f", "abc"),
        ("[bold]山田[/bold] 👩\u200d💻", "[bold]山田[/bold] 👩\u200d💻"),
    ],
)
def test_clean_keeps_what_is_read_and_drops_what_steers(value: str, cleaned: str) -> None:
    assert clean(value) == cleaned


def test_what_is_not_set_is_a_dash() -> None:
    assert (text(""), moment(Timestamp()), enum_name(LINK, "next_action")) == ("-", "-", "-")


def test_enums_go_without_their_prefix() -> None:
    assert enum_name(LINK, "state") == "DEGRADED"


def test_times_are_local_with_their_offset() -> None:
    told = moment(Timestamp(seconds=1_772_442_000))
    assert datetime.fromisoformat(told).timestamp() == 1_772_442_000
    assert datetime.fromisoformat(told).tzinfo is not None


@pytest.mark.parametrize(
    ("width", "left_out", "longest"),
    [
        (100, [], 54),
        (40, [], 40),
        (35, [], 35),
        (30, ["state"], 30),
        (20, ["name", "state"], 9),
        (5, ["name", "state"], 5),
    ],
)
def test_a_table_leaves_out_its_last_columns_before_it_cuts_anything(
    width: int, left_out: list[str], longest: int
) -> None:
    table, missing = fit_table(COLUMNS, ITEMS, width)
    console = Console(width=width, color_system=None)
    with console.capture() as printed:
        console.print(table)
    assert list(missing) == left_out
    rows = [row.rstrip() for row in printed.get().splitlines()]
    assert max(map(len, rows)) <= longest
    assert "link-0001" in "".join(row[:9].strip() for row in rows)
