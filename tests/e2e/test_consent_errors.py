"""What the consent page sends back in place of a code: named where it is known, repeated nowhere."""

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import OPERATOR, Backend
from tests.e2e.stubs import refused, told

ERRORS = [
    ("access_denied", "FAILED_PRECONDITION", "ACCESS_DENIED", 403, "The permission was not given"),
    ("admin_policy_enforced", "FAILED_PRECONDITION", "ADMIN_BLOCKED", 403, "Ask your administrator to allow the app"),
    ("org_internal", "FAILED_PRECONDITION", "ADMIN_BLOCKED", 403, "Ask your administrator to allow the app"),
    ("temporarily_unavailable", "UNAVAILABLE", "PROVIDER_UNREACHABLE", 503, "Wait a few minutes"),
    ("server_error", "UNAVAILABLE", "PROVIDER_UNREACHABLE", 503, "Wait a few minutes"),
    ("invalid_scope", "FAILED_PRECONDITION", "APP_MISCONFIGURED", 503, "You did nothing wrong"),
    ("unheard_of", "FAILED_PRECONDITION", "CONSENT_FAILED", 400, "sent back an error instead of a permission"),
    ("<script>alert(1)</script>", "FAILED_PRECONDITION", "CONSENT_FAILED", 400, "connect the calendar again"),
]


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


def callback(backend: Backend, state: str, error: str) -> str:
    return f"http://127.0.0.1:{backend.app.http_port}/oauth/callback?state={state}&error={error}"


@pytest.mark.parametrize(("error", "status", "reason", "_http", "_words"), ERRORS)
async def test_error_is_named(backend: Backend, error: str, status: str, reason: str, _http: int, _words: str) -> None:
    """A relink keeps the link as it is, to the letter; the refusal names what to begin again with."""
    link = await backend.link("ann")
    begun = await backend.begin("ann", calendar_link_id=link.id)
    request = links_pb.CompleteCalendarLinkRequest(state=begun.state, error=error)
    refusal = await refused(backend.links.CompleteCalendarLink(request))
    assert told(refusal) == (status, reason)
    assert error not in refusal.message
    assert error not in refusal.metadata.values()
    assert (refusal.metadata["account_id"], refusal.metadata["calendar_link_id"]) == ("ann", link.id)
    assert await backend.calendar_link(link.id) == link
    assert (await backend.check(link.id)).state == links_pb.CALENDAR_LINK_STATE_LINKED


@pytest.mark.parametrize(("error", "_status", "_reason", "http", "words"), ERRORS)
async def test_callback_tells_what_to_do(
    backend: Backend, error: str, _status: str, _reason: str, http: int, words: str
) -> None:
    """A first link is not made; the attempt is over."""
    begun = await backend.begin("ann")
    status, page = await backend.open_callback(callback(backend, begun.state, error))
    assert status == http
    assert words in page
    assert error not in page
    assert await backend.all_links() == []
    assert (await backend.open_callback(callback(backend, begun.state, error)))[0] == 409


async def test_operator_is_alerted_of_what_only_the_operator_can_mend(backend: Backend) -> None:
    begun = await backend.begin("ann")
    await backend.open_callback(callback(backend, begun.state, "unauthorized_client"))
    told_whom = {recipient for _, recipient, what in await backend.heard_since_settled() if "APP_MISCONFIGURED" in what}
    assert OPERATOR in told_whom


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("token/admin_policy_enforced", "FAILED_PRECONDITION", "ADMIN_BLOCKED"),
        ("token/org_internal", "FAILED_PRECONDITION", "ADMIN_BLOCKED"),
        ("token/invalid_client", "FAILED_PRECONDITION", "APP_MISCONFIGURED"),
        ("token/temporarily_unavailable", "UNAVAILABLE", "PROVIDER_UNREACHABLE"),
        ("token/rate_limited", "UNAVAILABLE", "PROVIDER_UNREACHABLE"),
        ("network/drop", "UNAVAILABLE", "PROVIDER_UNREACHABLE"),
    ],
)
async def test_error_at_the_exchange_is_named_alike(backend: Backend, fault: str, status: str, reason: str) -> None:
    """What Google says only when the code is exchanged means the same."""
    begun = await backend.begin("ann")
    code = await backend.code(begun, "ann@example.com")
    backend.sandbox.fault(fault, surface="google", endpoint="token")
    refusal = await refused(backend.complete(begun.state, code))
    assert told(refusal) == (status, reason)
    assert await backend.all_links() == []
