"""What `calguard top` tells of a reading, without a server."""

import json

import pytest

from calguard.v1 import provider_pb2, server_pb2
from calguard_client.cli.ago import span
from calguard_client.cli.overview import Reading, document, lines

NOW = 1_772_442_000


def reading(revision: int, at: float, **fields: object) -> Reading:
    status = server_pb2.ServerStatus(version="1.2.3", revision=revision, **fields)  # type: ignore[arg-type]
    status.read_time.FromNanoseconds(int(at * 1e9))
    status.start_time.seconds = NOW - 90_061
    return Reading(status, provider_pb2.ProviderStatus(provider=1, state=1))  # type: ignore[arg-type]


def told(now: Reading, before: Reading | None = None) -> dict[str, str]:
    return {name: text.plain for name, text in lines(now, before)}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-5, "0s"), (59.9, "59s"), (60, "1m 00s"), (3599, "59m 59s"), (3660, "1h 01m"), (86_400 * 8 + 10_800, "8d 03h")],
)
def test_a_span_is_told_in_two_units(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_changes_a_second_are_those_between_two_readings() -> None:
    first, second = reading(10, NOW), reading(25, NOW + 2.5)
    assert told(first)["changes"] == "revision 10"
    assert told(second, first)["changes"] == "revision 25   6.0 a second"
    assert json.loads(document(first, None))["changes_per_second"] is None
    assert json.loads(document(second, first))["changes_per_second"] == 6.0


@pytest.mark.parametrize("before", [reading(11, NOW - 2), reading(10, NOW), reading(9, NOW + 1)])
def test_readings_that_tell_no_rate(before: Reading) -> None:
    """Of another store, the same reading, or one out of order."""
    assert reading(10, NOW).changes_per_second(before) is None


def test_states_are_counted_and_what_waits_is_told_by_the_servers_clock() -> None:
    now = reading(
        1,
        NOW,
        calendar_link_counts=[{"state": 1, "count": 12_345}, {"state": 3, "count": 2}],
        unsent_notifications=3,
        oldest_unsent_time={"seconds": NOW - 75},
        dead_notifications=1,
        watches=1_000,
    )
    assert told(now) == {
        "server": "calguard 1.2.3, up 1d 01h",
        "calendar links": "12,347   12,345 LINKED   2 FAILED",
        "booking pages": "0",
        "changes": "revision 1",
        "watches": "1,000 open",
        "notifications": "3 unsent, the oldest for 1m 15s   1 DEAD",
        "google": "OPERATIONAL",
    }


def test_incidents_are_told_with_their_length() -> None:
    status = provider_pb2.ProviderStatus(provider=1, state=2)  # type: ignore[arg-type]
    for end in (None, NOW - 30):
        incident = status.incidents.add(reason=3, accounts_affected=12, links_checked=1_400)  # type: ignore[arg-type]
        incident.open_time.seconds = NOW - 90
        if end is not None:
            incident.end_time.seconds = end
    rows = [text.plain for _, text in lines(Reading(reading(1, NOW).server, status), None)]
    assert rows[-3] == "INCIDENT"
    assert rows[-2].endswith(": open for 1m 30s, 12 unrelated ones of 1,400 links checked")
    assert rows[-1].endswith(": over after 1m 00s, 12 unrelated ones of 1,400 links checked")
