"""What the command line tells of an appointment."""

from datetime import UTC, datetime

from calguard.v1 import appointment_pb2 as pb
from calguard_client.cli.appointment_report import COLUMNS, details

BEGINS, ENDS = datetime(2030, 3, 8, 1, 0, tzinfo=UTC), datetime(2030, 3, 8, 1, 30, tzinfo=UTC)


def test_what_is_in_the_way_is_listed() -> None:
    """When, in whose calendar, and in which."""
    conflict = pb.AppointmentConflict(account_id="ann", calendar_id="me@example.com")
    conflict.start_time.FromDatetime(BEGINS)
    conflict.end_time.FromDatetime(ENDS)
    shown = dict(details(pb.Appointment(conflicts=[conflict])))
    expected = "2030-03-08T01:00:00+00:00 to 2030-03-08T01:30:00+00:00, ann, calendar me@example.com"
    assert str(shown["in the way"]) == expected


def test_a_list_names_each_whose_calendar_is_in_the_way_once() -> None:
    """Nobody is a dash."""
    conflicts = [pb.AppointmentConflict(account_id=each, calendar_id="c") for each in ("ann", "ann", "ben")]
    *_, column = COLUMNS
    assert column.heading == "in the way"
    assert str(column.cell(pb.Appointment(conflicts=conflicts))) == "ann, ben"
    assert str(column.cell(pb.Appointment())) == "-"
