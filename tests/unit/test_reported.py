"""What another service reports is read as Google's answers are, and nothing that it sends raises."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calguard_server.domain.causes import CauseReason
from calguard_server.engine.reports import FailureReport
from calguard_server.google.reported import read_reported
from tests.unit.google_answers import TEAM, Answer, api_error, entry_error, free_busy, page, token_error

ROWS: dict[str, tuple[int, Answer | None, str]] = {
    "401_alone": (401, None, "AUTHORIZATION_REVOKED"),
    "401_of_the_api": (401, api_error(401, "authError"), "AUTHORIZATION_REVOKED"),
    "401_of_the_token_endpoint": (401, token_error(401, "deleted_client"), "APP_MISCONFIGURED"),
    "403_alone": (403, None, "ACCESS_FORBIDDEN"),
    "403_page": (403, page(403), "PROVIDER_UNAVAILABLE"),
    "403_scope": (403, api_error(403, "insufficientPermissions"), "SCOPE_MISSING"),
    "403_limit": (403, api_error(403, "userRateLimitExceeded"), "RATE_LIMITED"),
    "403_read_only": (403, api_error(403, "requiredAccessLevel"), "CALENDAR_READ_ONLY"),
    "403_off": (403, api_error(403, "notACalendarUser"), "CALENDAR_SERVICE_OFF"),
    "404": (404, api_error(404, "notFound"), "CALENDAR_NOT_VISIBLE"),
    "404_alone": (404, None, "PROVIDER_UNAVAILABLE"),
    "429": (429, None, "RATE_LIMITED"),
    "503": (503, page(503), "PROVIDER_UNAVAILABLE"),
    "302": (302, None, "PROVIDER_UNAVAILABLE"),
    "invalid_grant": (400, token_error(400, "invalid_grant"), "AUTHORIZATION_REVOKED"),
    "status_unknown_token": (0, token_error(400, "invalid_grant", "Account has been deleted"), "ACCOUNT_UNAVAILABLE"),
    "status_unknown_api": (0, api_error(403, "dailyLimitExceeded"), "QUOTA_EXHAUSTED"),
    "status_unknown_page": (0, page(502), "PROVIDER_UNAVAILABLE"),
    "status_unknown_free_busy": (0, free_busy(team=entry_error("notFound")), "CALENDAR_NOT_VISIBLE"),
    "free_busy_error_in_a_200": (200, free_busy(team=entry_error("internalError")), "PROVIDER_UNAVAILABLE"),
    "free_busy_in_order": (200, free_busy(team={"busy": []}), ""),
    "a_page_as_200": (200, page(200), "PROVIDER_UNAVAILABLE"),
    "204": (204, None, ""),
    "inserted": (200, Answer(200, {}, b'{"kind": "calendar#event"}'), ""),
    "nothing_known": (0, Answer(0, {}, b"it broke"), ""),
    "resync": (410, api_error(410, "fullSyncRequired"), ""),
}


@pytest.mark.parametrize(("status", "came_back", "expected"), ROWS.values(), ids=ROWS)
def test_what_a_report_is_read_as(status: int, came_back: Answer | None, expected: str) -> None:
    body = "" if came_back is None else came_back.body.decode()
    assert read_reported(status, body) == (CauseReason(expected) if expected else None)


WORDS = st.sampled_from(["error", "errors", "code", "reason", "calendars", "busy", "items", "invalid_grant", TEAM])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
)


@given(st.just(0) | st.integers(100, 599), st.text() | VALUES.map(json.dumps))
def test_nothing_that_is_reported_raises(status: int, body: str) -> None:
    assert read_reported(status, body) in {None, *CauseReason}


def test_a_report_does_not_show_its_body() -> None:
    assert "ya29" not in repr(FailureReport("link", 401, "ya29.secret"))
