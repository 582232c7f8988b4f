"""Times as people give them to the command."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import click
import pytest

from calguard_client.cli.appointment_times import Zone

NEW_YORK = Zone("America/New_York", ZoneInfo("America/New_York"))


@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("2030-03-09T10:00", "2030-03-09T15:00"),
        ("2030-03-10T10:00", "2030-03-10T14:00"),
        ("2030-03-10T03:00", "2030-03-10T07:00"),
        ("2030-11-03T01:30", "2030-11-03T05:30"),  # shown twice: the first
        ("2030-03-09T10:00+09:00", "2030-03-09T01:00"),
    ],
)
def test_a_time_is_by_the_zones_clock_or_by_its_own_offset(given: str, instant: str) -> None:
    assert NEW_YORK.instant(datetime.fromisoformat(given)) == datetime.fromisoformat(instant).replace(tzinfo=UTC)


def test_a_time_that_the_clock_skips_is_none() -> None:
    with pytest.raises(click.BadParameter, match="does not exist"):
        NEW_YORK.instant(datetime.fromisoformat("2030-03-10T02:30"))
