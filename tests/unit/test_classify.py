"""Every row of docs/failures.md about Google is judged as it says, and nothing that comes back raises."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard_server.domain.causes import Capability
from calguard_server.domain.intervals import Interval
from calguard_server.domain.retry_after import LONGEST, parse_retry_after
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome, TransportFailure, Verdict
from calguard_server.google.classify import classify
from tests.unit.classify_api_rows import API_ROWS, TRANSPORT_ROWS
from tests.unit.classify_token_rows import TOKEN_ROWS
from tests.unit.google_answers import CHECK_TWO, JSON_TYPE, MINUTE, NOW, OTHER, READABLE, TEAM, Row, answer, free_busy


def rows(table: dict[str, Row]) -> list[object]:
    return [pytest.param(*row, id=name) for name, row in table.items()]


@pytest.mark.parametrize(("call", "came_back", "expected"), rows(TOKEN_ROWS))
def test_what_the_token_endpoint_answers(call: Call, came_back: Answer, expected: Verdict) -> None:
    assert classify(call, came_back, NOW) == expected


@pytest.mark.parametrize(("call", "came_back", "expected"), rows(API_ROWS))
def test_what_the_calendar_api_answers(call: Call, came_back: Answer, expected: Verdict) -> None:
    assert replace(classify(call, came_back, NOW), busy={}) == expected


def test_busy_time_is_told_of_the_calendars_that_it_can_be_read_of() -> None:
    """Of one with an error beside its times, or with times that cannot be read, nothing is told."""
    entry = {"busy": READABLE["busy"], "errors": [{"reason": "internalError"}]}
    verdict = classify(CHECK_TWO, free_busy(team=READABLE, other=entry), NOW)
    hour = Interval(datetime(2026, 3, 2, 10, tzinfo=UTC), datetime(2026, 3, 2, 11, tzinfo=UTC))
    assert (verdict.outcome, verdict.busy) == (Outcome.PARTIAL, {TEAM: (hour,)})
    free = classify(CHECK_TWO, free_busy(team=READABLE, other={"busy": []}), NOW)
    assert (free.outcome, free.busy) == (Outcome.DONE, {TEAM: (hour,), OTHER: ()})


@pytest.mark.parametrize(("call", "came_back", "expected"), rows(TRANSPORT_ROWS))
def test_what_is_no_answer(call: Call, came_back: TransportFailure, expected: Verdict) -> None:
    assert classify(call, came_back, NOW) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", timedelta()),
        (" 120 ", timedelta(minutes=2)),
        ("0000000060", MINUTE),
        ("99999", LONGEST),
        ("9" * 5000, LONGEST),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("٣", None),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta()),
        ("Mon, 02 Mar 2026 09:00:30 -0000", timedelta(seconds=30)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST),
        ("Mon, 99 Mar 2026 08:00:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(text: str, expected: timedelta | None) -> None:
    assert parse_retry_after(text, NOW) == expected


def test_an_answer_does_not_show_its_body() -> None:
    assert "ya29" not in repr(answer(200, {"access_token": "ya29.secret"}))


CALLS = st.builds(
    Call,
    st.sampled_from(Endpoint),
    st.lists(st.sampled_from([TEAM, OTHER]), unique=True).map(tuple),
    st.sampled_from(Capability),
)
STATUSES = st.integers(100, 599)
WORDS = st.sampled_from(["error", "errors", "details", "reason", "calendars", "busy", "items", "id", "notFound", TEAM])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | WORDS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


def assert_sound(verdict: Verdict) -> None:
    counts = {Outcome.FAULT: {1}, Outcome.PARTIAL: {1, 2}}
    assert len(verdict.findings) in counts.get(verdict.outcome, {0})


@given(CALLS, STATUSES, st.binary(), st.text())
def test_no_bytes_raise(call: Call, status: int, body: bytes, retry_after: str) -> None:
    assert_sound(classify(call, Answer(status, {"retry-after": retry_after}, body), NOW))


@given(CALLS, STATUSES, JSON)
def test_no_json_raises(call: Call, status: int, content: object) -> None:
    assert_sound(classify(call, answer(status, content), NOW))


@pytest.mark.parametrize("body", [b"[" * 200_000, b"9" * 5000, b'{"a":"\xff"}', b"\xef\xbb\xbf{}"])
@pytest.mark.parametrize("endpoint", Endpoint)
def test_json_that_breaks_parsers_is_no_json(endpoint: Endpoint, body: bytes) -> None:
    assert_sound(classify(Call(endpoint, (TEAM,)), Answer(200, JSON_TYPE, body), NOW))


@given(st.text())
def test_no_retry_after_raises(text: str) -> None:
    wait = parse_retry_after(text, NOW)
    assert wait is None or timedelta() <= wait <= LONGEST
