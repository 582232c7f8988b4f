"""Errors of the consent page, and the address at which to connect again."""

import pytest

from calguard_server.domain.addresses import relink_url
from calguard_server.domain.consent import ConsentError, judge_consent_error


@pytest.mark.parametrize(
    ("error", "judged"),
    [
        ("access_denied", ConsentError.DECLINED),
        ("admin_policy_enforced", ConsentError.ADMIN_BLOCKED),
        ("org_internal", ConsentError.ADMIN_BLOCKED),
        ("server_error", ConsentError.UNAVAILABLE),
        ("temporarily_unavailable", ConsentError.UNAVAILABLE),
        ("invalid_request", ConsentError.MISCONFIGURED),
        ("invalid_scope", ConsentError.MISCONFIGURED),
        ("unauthorized_client", ConsentError.MISCONFIGURED),
        ("unsupported_response_type", ConsentError.MISCONFIGURED),
        ("ACCESS_DENIED", ConsentError.OTHER),
        ("access_denied ", ConsentError.OTHER),
        ("interaction_required", ConsentError.OTHER),
        ("", ConsentError.OTHER),
    ],
)
def test_an_error_is_judged_by_its_name_alone(error: str, judged: ConsentError) -> None:
    assert judge_consent_error(error) is judged


@pytest.mark.parametrize(
    ("template", "link_id", "expected"),
    [
        ("https://a.test/{account_id}/{calendar_link_id}", "link-1", "https://a.test/ann/link-1"),
        ("https://a.test/{calendar_link_id}", "", ""),
        ("https://a.test/{account_id}", "", "https://a.test/ann"),
        ("https://a.test/calendars", "", "https://a.test/calendars"),
        ("https://a.test/?l={calendar_link_id}", "a&b=c#d/e", "https://a.test/?l=a%26b%3Dc%23d%2Fe"),
        ("https://a.test/{calendar_link_id}", "{account_id}", "https://a.test/%7Baccount_id%7D"),
        ("", "link-1", ""),
    ],
)
def test_where_to_connect_again(template: str, link_id: str, expected: str) -> None:
    assert relink_url(template, account_id="ann", calendar_link_id=link_id) == expected
