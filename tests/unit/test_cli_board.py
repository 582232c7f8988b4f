"""What the live table of `calguard watch` shows and how, without a server, a clock and a terminal."""

from collections.abc import Sequence
from datetime import timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from rich.cells import cell_len
from rich.console import Console

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import provider_pb2 as provider_pb
from calguard.v1 import watch_pb2 as pb
from calguard_client import Changes, Interrupted, Progress, Refusal, SnapshotEnded, SnapshotPart, SnapshotStarted
from calguard_client.cli.watching.board import Board
from calguard_client.cli.watching.board_view import Moment, draw

NOW = 1_772_442_000
HOSTILE = "\x1b[2J[red]山田[/red]\r\n\u202e\x07" + "x" * 100


def link(number: int, state: str, since: int = 0) -> pb.StateChange:
    state_number = links_pb.CalendarLinkState.Value(f"CALENDAR_LINK_STATE_{state}")
    held = links_pb.CalendarLink(
        id=f"link-{number:05}", account_id="ann", state=state_number, revision=number, state_time={"seconds": since}
    )
    return pb.StateChange(revision=number, time=Timestamp(seconds=NOW), type=3, calendar_link=held)


def page(number: int, state: str, stop_cause: int = 1, title: str = "Page") -> pb.StateChange:
    state_number = pages_pb.BookingPageState.Value(f"BOOKING_PAGE_STATE_{state}")
    held = pages_pb.BookingPage(
        id=f"page-{number:05}",
        title=title,
        state=state_number,
        stop_cause=stop_cause,  # type: ignore[arg-type]
        revision=number,
        state_time={"seconds": NOW - 75},
    )
    return pb.StateChange(revision=number, time=Timestamp(seconds=NOW), type=3, booking_page=held)


def incident(number: int) -> pb.StateChange:
    status = provider_pb.ProviderStatus(provider=1, state=2, revision=number, incidents=[{"reason": 3}])  # type: ignore[list-item]
    return pb.StateChange(revision=number, time=Timestamp(seconds=NOW), type=3, provider_status=status)


def board_of(*changes: pb.StateChange) -> Board:
    board = Board()
    for event in (SnapshotStarted(), SnapshotPart(changes=changes), SnapshotEnded(resume_token="t")):
        board.take(event, 0.0, NOW)
    return board


def drawn(board: Board, width: int = 100, height: int = 24, at: float = 1.0, told: str = "") -> list[str]:
    console = Console(width=width, color_system=None, markup=False, emoji=False)
    with console.capture() as printed:
        console.print(draw(board, "server:1", told, (width, height), Moment(at, NOW)), no_wrap=True)
    return [row.rstrip() for row in printed.get().splitlines()]


def names_in(rows: Sequence[str]) -> list[str]:
    return [row.lstrip("> ").split()[1] for row in rows if row.lstrip("> ").startswith(("link ", "page ", "prov "))]


OWNER = pages_pb.STOP_CAUSE_OWNER


def test_what_is_not_well_comes_first_and_of_that_what_changed_last() -> None:
    board = board_of(
        link(1, "LINKED"),
        link(2, "FAILED"),
        link(3, "DEGRADED"),
        link(4, "STOPPED"),
        link(5, "LINKED"),
        page(6, "STOPPED", pages_pb.STOP_CAUSE_CALENDAR_FAILURE),
        page(7, "STOPPED", OWNER),
        incident(8),
    )
    assert names_in(drawn(board)) == [
        "google",
        "page-00006",
        "link-00002",
        "link-00003",
        "page-00007",  # stopped on purpose, as the disconnected link is
        "link-00004",
        "link-00005",
        "link-00001",
    ]


def test_many_rows_show_the_most_relevant_and_say_how_many_are_left_out() -> None:
    """Ten thousand links never draw more than the terminal holds, and the one that fails is the first."""
    board = board_of(*(link(number, "LINKED") for number in range(1, 10_001)))
    board.take(Changes(changes=(link(10_001, "FAILED"),), resume_token="u"), 1.0, NOW)
    rows = drawn(board, height=24)
    assert len(rows) == 24
    assert names_in(rows)[:3] == ["link-10001", "link-10000", "link-09999"]
    assert rows[1].startswith("10,001 links: 1 FAILED, 10,000 LINKED")
    assert f"... and {10_001 - len(names_in(rows)):,} more" in rows[-3]
    assert len(drawn(board, height=5)) == 5


def test_a_change_moves_a_row_marks_it_for_a_while_and_is_told_below() -> None:
    board = board_of(link(1, "LINKED", NOW - 3700), link(2, "LINKED"))
    assert "LAST CHANGE" not in drawn(board)[3]
    assert "nothing has changed since" in drawn(board)[-1]
    board.take(Changes(changes=(link(3, "FAILED", NOW - 2),), resume_token="u"), 10.0, NOW)
    moved = pb.StateChange()
    moved.CopyFrom(link(4, "FAILED", NOW - 2))
    moved.calendar_link.id = "link-00001"
    board.take(Changes(changes=(moved,), resume_token="v"), 10.0, NOW)
    soon, later = drawn(board, at=12.0), drawn(board, at=16.0)
    assert soon[4].split() == [">", "link", "link-00001", "FAILED", "2s", "LINKED", "->", "FAILED", "ann"]
    assert later[4].startswith("  link  link-00001")
    assert soon[-1].startswith("last: ")
    assert soon[-1].endswith(" link link-00001 - -> FAILED")


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
def test_no_text_that_others_chose_breaks_a_line(width: int) -> None:
    board = board_of(page(1, "LINKED", title=HOSTILE), page(2, "STOPPED", 99, title="山" * 90))
    rows = drawn(board, width=width)
    assert all(cell_len(row) <= width for row in rows)
    assert len(rows) == 9
    assert not set("\x1b\x07\r\u202e") & set("".join(rows))
    if width >= 80:
        assert "[2J[red]山田[/red]" in "".join(rows)


def test_a_broken_stream_is_told_with_the_age_of_what_is_shown() -> None:
    board = board_of(link(1, "LINKED"))
    refusal = Refusal(grpc.StatusCode.UNAVAILABLE, "", "gone")
    board.take(Interrupted(refusal=refusal, delay=timedelta(seconds=8)), 20.0, NOW)
    rows = drawn(board, at=22.0, told="nobody \x1b[31mthere")
    assert rows[0] == "reconnecting in 7s; so it stood 22s ago"
    assert rows[2] == "nobody [31mthere"
    assert drawn(board, at=40.0)[0] == "reconnecting; so it stood 40s ago"
    board.take(Progress(resume_token="u"), 41.0, NOW)
    assert drawn(board, at=44.0)[0] == "watching server:1  revision 1  heard 3s ago"


def test_a_new_snapshot_takes_the_place_of_the_old_and_says_why() -> None:
    board = board_of(link(1, "LINKED"), link(2, "FAILED"))
    for event in (
        SnapshotStarted(cause="RESUME_TOKEN_EXPIRED"),
        SnapshotPart(changes=(link(1, "DEGRADED"),)),
        SnapshotEnded(resume_token="u"),
    ):
        board.take(event, 5.0, NOW)
    rows = drawn(board, at=5.0)
    assert rows[0] == "watching server:1  revision 1  heard 0s ago  began anew: RESUME_TOKEN_EXPIRED"
    assert names_in(rows) == ["link-00001"]
    assert "LINKED -> DEGRADED" in rows[4]


def test_without_a_snapshot_only_what_changed_is_shown_and_that_is_said() -> None:
    board = Board()
    assert drawn(board)[0] == "connecting to server:1"
    board.take(Progress(resume_token="t"), 0.0, NOW)
    assert drawn(board)[1] == "only what has changed since  no links    no pages"
    moved = link(1, "FAILED", NOW)
    moved.previous_link_state = links_pb.CALENDAR_LINK_STATE_LINKED
    board.take(Changes(changes=(moved,), resume_token="u"), 0.0, NOW)
    assert "LINKED -> FAILED" in drawn(board)[4]


def test_what_is_deleted_is_gone() -> None:
    board = board_of(link(1, "LINKED"), link(2, "FAILED"))
    gone = link(3, "FAILED")
    gone.calendar_link.id = "link-00002"
    gone.type = pb.STATE_CHANGE_TYPE_DELETED
    board.take(Changes(changes=(gone,), resume_token="u"), 1.0, NOW)
    assert names_in(drawn(board)) == ["link-00001"]
