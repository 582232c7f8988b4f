"""What of a link is told to subscribers, and what its reader sees."""

import pytest

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, NextAction
from calguard_server.domain.events import Notability
from calguard_server.domain.link_state import CalendarLink
from tests.unit.builders import (
    EARLIER,
    NOW,
    checked,
    make_cause,
    make_link,
    minutes,
)
from tests.unit.link_runs import (
    DEGRADED,
    FAILED,
    LINKED,
    NO_NETWORK,
    STOPPED,
    check,
    decide,
    run_of,
)

# --- what is worth telling ---


def test_since_is_kept_while_the_same_cause_lasts() -> None:
    """A cause that is met again keeps its `since`, also where it now fails the link."""
    first = check(make_link(), CauseReason.AUTHORIZATION_REVOKED).link
    confirmed = decide(first, checked(first, CauseReason.AUTHORIZATION_REVOKED, confirmed=True), NOW + minutes(1)).link
    again = check(confirmed, CauseReason.AUTHORIZATION_REVOKED, at=minutes(2)).link
    assert [link.state for link in (first, confirmed, again)] == [DEGRADED, FAILED, FAILED]
    assert [link.cause for link in (first, confirmed, again)] == [make_cause(since=NOW)] * 3


@pytest.mark.parametrize(
    "other",
    [
        Finding(CauseReason.ADD_CALENDAR_NOT_VISIBLE, "work"),
        Finding(CauseReason.CALENDAR_READ_ONLY, "home"),
        Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD),
    ],
)
def test_another_cause_has_a_since_of_its_own(other: Finding) -> None:
    """Another reason, calendar or capability is another cause, and is told."""
    link = make_link(DEGRADED)
    decision = check(link, other)
    assert decision.link.cause == Cause(other.reason, NOW, other.calendar_id, other.capability)
    assert decision.notability is Notability.UPDATED
    assert (decision.link.evidence, decision.link.update_time) == (link.evidence + 1, NOW)
    assert decision.link.state_time == EARLIER


def test_a_cause_that_went_and_came_back_is_new() -> None:
    """`since` begins anew after a success."""
    steps = [(0, CauseReason.CALENDAR_READ_ONLY), (10, None), (20, CauseReason.CALENDAR_READ_ONLY)]
    assert run_of(steps).link.cause == make_cause(CauseReason.CALENDAR_READ_ONLY, NOW + minutes(20))


def test_a_change_of_state_is_told_with_its_time() -> None:
    """A change of state stamps the times of the link and of its state, and outdates what is under way."""
    link = make_link()
    decision = check(link, CauseReason.ADMIN_BLOCKED)
    assert decision.notability is Notability.STATE_CHANGED
    after = decision.link
    assert (after.state_time, after.update_time, after.evidence) == (NOW, NOW, link.evidence + 1)


@pytest.mark.parametrize(
    ("link", "findings"),
    [
        (make_link(), ()),
        (make_link(DEGRADED), (Finding(CauseReason.CALENDAR_READ_ONLY, "work"),)),
        (make_link(FAILED), (Finding(CauseReason.AUTHORIZATION_REVOKED),)),
        (make_link(FAILED), (Finding(NO_NETWORK),)),
        (make_link(), (Finding(CauseReason.APP_MISCONFIGURED),)),
    ],
)
def test_a_check_that_finds_the_same_is_quiet(link: CalendarLink, findings: tuple[Finding, ...]) -> None:
    """Only times and counts change: no event, and the times of the last change stay."""
    decision = decide(link, checked(link, *findings))
    after = decision.link
    assert decision.notability is Notability.QUIET
    assert (after.update_time, after.state_time, after.evidence) == (EARLIER, EARLIER, link.evidence)
    assert after.last_check_time == NOW


def test_nothing_at_all_is_none() -> None:
    """The same check decided again at the same instant changes nothing whatever."""
    once = check(make_link()).link
    assert check(once).notability is Notability.NONE
    assert check(once).link == once


@pytest.mark.parametrize(("notability", "expected"), [("NONE", 0), ("QUIET", 0), ("UPDATED", 1), ("STATE_CHANGED", 1)])
def test_which_changes_make_an_event(notability: str, expected: int) -> None:
    """Subscribers hear of updates and changes of state, never of times and counts."""
    assert Notability(notability).makes_event == bool(expected)


# --- what the reader sees ---

VOID = {
    "AUTHORIZATION_REVOKED",
    "SESSION_POLICY",
    "ACCOUNT_UNAVAILABLE",
    "AUTHORIZATION_INCOMPLETE",
    "ADMIN_BLOCKED",
    "SCOPE_MISSING",
}
"""The reasons for which a FAILED link counts as not connected."""


@pytest.mark.parametrize("reason", list(CauseReason))
def test_authorized_of_a_failed_link(reason: CauseReason) -> None:
    """A FAILED link is connected unless its cause is the grant itself, or a permission that it lacks."""
    assert make_link(FAILED, cause=make_cause(reason)).authorized is (reason.value not in VOID)


@pytest.mark.parametrize("reason", list(CauseReason))
def test_not_connected_says_connect_or_reconnect(reason: CauseReason) -> None:
    """A link that is not authorized asks for nothing but to be connected, whatever its cause."""
    link = make_link(FAILED, cause=make_cause(reason))
    assert link.authorized or link.next_action in (NextAction.CONNECT, NextAction.RECONNECT)


@pytest.mark.parametrize("reason", list(CauseReason))
def test_authorized_of_a_degraded_link(reason: CauseReason) -> None:
    """A DEGRADED link is connected, whatever its cause: what would void the grant is not confirmed."""
    assert make_link(DEGRADED, cause=make_cause(reason)).authorized


def test_an_unconfirmed_revocation_leaves_a_link_authorized() -> None:
    """That Google refuses a grant once is no more than a doubt; confirmed, the link is not connected any more."""
    link = check(make_link(), CauseReason.AUTHORIZATION_REVOKED).link
    assert (link.state, link.authorized) == (DEGRADED, True)
    again = decide(link, checked(link, CauseReason.AUTHORIZATION_REVOKED, confirmed=True)).link
    assert (again.state, again.authorized, again.next_action) == (FAILED, False, NextAction.RECONNECT)


def test_authorized_needs_a_grant() -> None:
    """Without a grant nothing is authorized, whatever the cause."""
    assert make_link(LINKED).authorized
    assert not make_link(STOPPED).authorized
    assert not make_link(DEGRADED, has_grant=False).authorized


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("AUTHORIZATION_REVOKED", "RECONNECT"),
        ("SESSION_POLICY", "RECONNECT"),
        ("ACCOUNT_UNAVAILABLE", "RECONNECT"),
        ("AUTHORIZATION_INCOMPLETE", "RECONNECT"),
        ("ADMIN_BLOCKED", "RECONNECT"),
        ("SCOPE_MISSING", "RECONNECT"),
        ("CALENDAR_NOT_VISIBLE", "SELECT_CALENDARS"),
        ("ADD_CALENDAR_NOT_VISIBLE", "SELECT_CALENDARS"),
        ("CALENDAR_READ_ONLY", "SELECT_CALENDARS"),
        ("SELECTION_MISSING", "SELECT_CALENDARS"),
        ("CALENDAR_SERVICE_OFF", "CONTACT_SUPPORT"),
        ("RATE_LIMITED", "WAIT"),
        ("QUOTA_EXHAUSTED", "WAIT"),
        ("PROVIDER_UNAVAILABLE", "WAIT"),
        ("NETWORK_ERROR", "WAIT"),
        ("APP_MISCONFIGURED", "WAIT"),
    ],
)
def test_next_action_of_a_cause(reason: str, expected: str) -> None:
    """Each cause says what the person should do next."""
    assert make_link(DEGRADED, cause=make_cause(CauseReason(reason))).next_action.value == expected


def test_next_action_without_a_cause() -> None:
    """A LINKED link asks for nothing, a disconnected one to be connected."""
    assert make_link(LINKED).next_action is NextAction.NONE
    assert make_link(STOPPED).next_action is NextAction.CONNECT


@pytest.mark.parametrize(
    ("check_calendars", "add_calendar", "expected"), [((), "", 0), (("a",), "", 1), ((), "a", 1), (("a",), "a", 1)]
)
def test_in_use(check_calendars: tuple[str, ...], add_calendar: str, expected: int) -> None:
    """A link is in use once any calendar is selected."""
    link = make_link(check_calendar_ids=check_calendars, add_calendar_id=add_calendar)
    assert link.in_use == bool(expected)
