"""How `calguard watch` tells of appointments: on a line, and in the live table; never titles, never attendees."""

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import watch_pb2
from calguard.v1.cause_pb2 import CAUSE_REASON_AUTHORIZATION_REVOKED, Cause
from calguard_client import Changes
from calguard_client.cli.cells import moment
from calguard_client.cli.change_line import change_line, short_change_line
from tests.unit.test_cli_board import board_of, drawn
from tests.unit.watch_messages import CHANGED, CREATED, SNAPSHOT, appointment

ENDS = 1_900_001_800
BEGINS = moment(Timestamp(seconds=ENDS - 1800))
UPDATED = watch_pb2.STATE_CHANGE_TYPE_UPDATED
ADDED = pb.Assignee(account_id="ann", entry_state="CALENDAR_ENTRY_STATE_ADDED")
REVOKED = pb.Assignee(
    account_id="ann",
    entry_state="CALENDAR_ENTRY_STATE_NOT_ADDED",
    not_added=Cause(reason=CAUSE_REASON_AUTHORIZATION_REVOKED),
)
NO_CALENDAR = pb.Assignee(
    account_id="ben", entry_state="CALENDAR_ENTRY_STATE_NOT_ADDED", not_added=Cause(message="None.")
)
IN_THE_WAY = pb.AppointmentConflict(account_id="ann", calendar_id="me@example.com")


def line(change: watch_pb2.StateChange) -> str:
    return " ".join(part.plain for part in change_line(change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            appointment("a1", 1, CREATED, ends=ENDS, assignees=[ADDED, NO_CALENDAR]),
            ["ann ADDED", "ben NOT_ADDED"],
        ),
        (
            appointment("a1", 2, UPDATED, ends=ENDS, assignees=[REVOKED], conflicts=[IN_THE_WAY, IN_THE_WAY]),
            ["ann NOT_ADDED AUTHORIZATION_REVOKED", "conflict with ann's calendar me@example.com"],
        ),
    ],
)
def test_a_change_on_a_line(change: watch_pb2.StateChange, told: list[str]) -> None:
    kind = "created" if change.type == CREATED else "updated"
    assert " ".join(line(change).split()[1:]) == f"{kind} appt a1 ASSIGNED {'; '.join([BEGINS, *told])}"
    assert "SECRET" not in line(change) + short_change_line(change).plain


def test_a_cancellation_on_a_line() -> None:
    change = appointment("a1", 3, CHANGED, ends=ENDS, state="APPOINTMENT_STATE_CANCELLED")
    change.previous_appointment_state = pb.APPOINTMENT_STATE_ASSIGNED
    assert f"appt  a1                         ASSIGNED -> CANCELLED  {BEGINS}" in line(change)


def test_what_is_in_the_way_comes_first_then_what_is_in_no_calendar() -> None:
    rows = drawn(
        board_of(
            appointment("fine", 3, SNAPSHOT, ends=ENDS, assignees=[ADDED]),
            appointment("lost", 2, SNAPSHOT, ends=ENDS, assignees=[NO_CALENDAR]),
            appointment("taken", 1, SNAPSHOT, ends=ENDS, assignees=[ADDED], conflicts=[IN_THE_WAY]),
        ),
        width=160,
    )
    assert [row.split()[1] for row in rows if row.strip().startswith("appt")] == ["taken", "lost", "fine"]
    assert rows[1].endswith("3 appointments: 3 ASSIGNED")
    assert "conflict: ann" in rows[4]
    assert "NOT_ADDED: ben" in rows[5]
    assert rows[6].endswith(f"ann, {BEGINS}, page intro")
    assert "SECRET" not in "".join(rows)


@pytest.mark.parametrize(
    ("fields", "moved"),
    [
        ({"assignees": [pb.Assignee(account_id="ben")]}, "reassigned"),
        ({"assignees": [REVOKED], "conflicts": [IN_THE_WAY]}, "conflict"),
        ({"assignees": [REVOKED]}, "ADDED -> NOT_ADDED"),
        ({"assignees": [ADDED]}, "updated"),
    ],
)
def test_what_changed_last(fields: dict[str, object], moved: str) -> None:
    board = board_of(appointment("a1", 1, SNAPSHOT, ends=ENDS, assignees=[ADDED]))
    board.take(Changes(changes=(appointment("a1", 2, UPDATED, ends=ENDS, **fields),), resume_token="u"), 1.0, 0.0)
    assert [each.words for each in board._moved.values()] == [moved]


def test_who_asks_for_none_is_told_of_none() -> None:
    assert drawn(board_of())[1] == "no links    no pages"
