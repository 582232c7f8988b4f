"""When links that fail alike are an incident, and what an incident excuses."""

from datetime import timedelta

import pytest

from calguard_server.domain.causes import Capability, CauseReason, Finding, NextAction
from calguard_server.domain.failure_window import FailureWindow
from calguard_server.domain.link import decide_link
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.link_verdict import LinkPolicy, LinkReason
from calguard_server.domain.provider_incident import (
    IncidentPolicy,
    IncidentReason,
    ProviderIncident,
    ProviderState,
    end_incident,
    judge_incident,
    kind_of,
    leniency_of,
    never_troubled,
    open_incident,
)
from tests.unit.builders import NOW, checked, make_link, minutes

POLICY = IncidentPolicy()
DOWN = Finding(CauseReason.PROVIDER_UNAVAILABLE)
SILENT = Finding(CauseReason.NETWORK_ERROR)
REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)


def an_incident(reason: CauseReason = CauseReason.PROVIDER_UNAVAILABLE, name: str = "i1") -> ProviderIncident:
    return ProviderIncident(id=name, reason=reason, open_time=NOW, accounts_affected=12, links_checked=40)


@pytest.mark.parametrize(
    ("finding", "kind"),
    [
        (DOWN, "PROVIDER_UNAVAILABLE"),
        (SILENT, "PROVIDER_UNAVAILABLE"),
        (Finding(CauseReason.ACCESS_FORBIDDEN), "ACCESS_FORBIDDEN"),
        (REVOKED, "AUTHORIZATION_REVOKED"),
        (Finding(CauseReason.SCOPE_MISSING, capability=Capability.CHECK), "SCOPE_MISSING"),
        (Finding(CauseReason.SCOPE_MISSING, capability=Capability.ADD), None),
        (Finding(CauseReason.RATE_LIMITED), None),
        (Finding(CauseReason.QUOTA_EXHAUSTED), None),
        (Finding(CauseReason.APP_MISCONFIGURED), None),
        (Finding(CauseReason.SELECTION_MISSING), None),
        (Finding(CauseReason.CALENDAR_READ_ONLY), None),
    ],
)
def test_trouble_comes_in_kinds(finding: Finding, kind: str | None) -> None:
    """No answer of any kind is one; what never fails a link, and what is the operator's, is none."""
    assert kind_of(finding) == kind


@pytest.mark.parametrize(
    ("failing", "checked_links", "opens"),
    [(9, 9, False), (10, 10, True), (10, 200, True), (10, 201, False), (11, 201, True), (49, 1000, False)],
)
def test_an_incident_opens_past_both_limits(failing: int, checked_links: int, opens: bool) -> None:  # noqa: FBT001
    """Ten unrelated ones at least, and one in twenty of those checked."""
    reason = judge_incident(failing, checked_links, None, None, NOW, POLICY)
    assert reason is (IncidentReason.OPENS if opens else IncidentReason.QUIET)


def test_an_incident_is_over_after_a_whole_calm_window() -> None:
    """Below the half of the limit is calm; a window of calm ends it, and not a moment earlier."""
    known, almost = an_incident(), POLICY.window - timedelta(microseconds=1)
    assert judge_incident(5, 40, known, NOW, NOW + minutes(60), POLICY) is IncidentReason.GOES_ON
    assert judge_incident(4, 40, known, None, NOW, POLICY) is IncidentReason.CALMS_DOWN
    assert judge_incident(4, 40, known, NOW, NOW + almost, POLICY) is IncidentReason.CALMS_DOWN
    assert judge_incident(4, 40, known, NOW, NOW + POLICY.window, POLICY) is IncidentReason.OVER


def test_the_latest_check_of_a_link_counts_within_the_window() -> None:
    """A link that recovers is no longer failing; what is past the window counts neither way."""
    window = FailureWindow(minutes(5))
    link = make_link(id="l1", account_id="ann")
    assert window.add(link, (SILENT,), NOW) is CauseReason.PROVIDER_UNAVAILABLE
    assert (window.failing(CauseReason.PROVIDER_UNAVAILABLE, NOW), window.checked(NOW)) == (1, 1)
    assert window.add(link, (), NOW + minutes(1)) is None
    assert (window.failing(CauseReason.PROVIDER_UNAVAILABLE, NOW), window.checked(NOW)) == (0, 1)
    window.add(link, (DOWN,), NOW + minutes(2))
    later = NOW + minutes(7)
    assert (window.failing(CauseReason.PROVIDER_UNAVAILABLE, later), window.checked(later)) == (0, 0)


@pytest.mark.parametrize(
    ("emails", "finding", "unrelated"),
    [
        (["a@corp.example", "b@corp.example", "c@other.example"], REVOKED, 2),  # an organization's administrator can
        (["a@gmail.com", "b@gmail.com", "c@gmail.com"], REVOKED, 3),  # nobody can for all of them
        (["a@corp.example", "b@corp.example", "c@other.example"], DOWN, 3),
        (["a@x.example", "b@y.example"], Finding(CauseReason.CALENDAR_NOT_VISIBLE, "team@x.example"), 1),
    ],
)
def test_what_one_thing_can_fail_is_related(emails: list[str], finding: Finding, unrelated: int) -> None:
    """Those of one organization, or that check one calendar; where Google does not answer, each account is its own."""
    window = FailureWindow(minutes(5))
    kind = kind_of(finding)
    assert kind is not None
    for number, email in enumerate(emails):
        link = make_link(id=f"l{number}", account_id=f"a{number}", provider_email=email)
        assert window.add(link, (finding,), NOW) is kind
    assert window.failing(kind, NOW) == unrelated


def test_links_of_one_account_are_related() -> None:
    """However many links an account has, it counts once."""
    window = FailureWindow(minutes(5))
    for number in range(12):
        window.add(make_link(id=f"l{number}", account_id="ann"), (DOWN,), NOW)
    assert window.failing(CauseReason.PROVIDER_UNAVAILABLE, NOW) == 1


def test_a_link_that_has_failed_already_is_no_news() -> None:
    """Links that failed long ago and fail again count neither way; one that recovers counts as checked."""
    window = FailureWindow(minutes(5))
    failed = make_link(LinkState.FAILED, id="l1")
    assert window.add(failed, (REVOKED,), NOW) is None
    assert window.checked(NOW) == 0
    assert window.add(failed, (), NOW) is None
    assert window.checked(NOW) == 1


def test_an_open_incident_holds_its_kind_and_no_other() -> None:
    """503 for all: links are held however long it lasts; one that is revoked meanwhile fails."""
    status = open_incident(never_troubled(NOW), an_incident())
    assert status.state is ProviderState.INCIDENT
    later = NOW + timedelta(days=2)
    leniency = leniency_of(status, later, POLICY)
    lasting = make_link(LinkState.DEGRADED, consecutive_failures=50, failing_since=NOW)
    for finding in (DOWN, SILENT):
        signal = checked(lasting, finding.reason)
        held = decide_link(lasting, signal, later, LinkPolicy(), leniency)
        assert (held.link.state, held.reason) == (LinkState.DEGRADED, LinkReason.PROVIDER_INCIDENT)
        assert decide_link(lasting, signal, later, LinkPolicy()).link.state is LinkState.FAILED
    revoked = checked(lasting, CauseReason.SESSION_POLICY, CauseReason.PROVIDER_UNAVAILABLE)
    assert decide_link(lasting, revoked, later, LinkPolicy(), leniency).link.state is LinkState.FAILED


def test_what_people_must_mend_is_held_for_a_day_at_most() -> None:
    """Waiting does not mend it, and the operator has been told."""
    status = open_incident(never_troubled(NOW), an_incident(CauseReason.AUTHORIZATION_REVOKED))
    assert leniency_of(status, NOW + timedelta(hours=23), POLICY).held == {CauseReason.AUTHORIZATION_REVOKED}
    assert leniency_of(status, NOW + timedelta(hours=24), POLICY).held == frozenset()


def test_a_failed_link_stays_failed_while_it_is_held() -> None:
    """An incident excuses nothing that was judged before it."""
    status = open_incident(never_troubled(NOW), an_incident())
    failed = make_link(LinkState.FAILED, consecutive_failures=3, failing_since=NOW)
    signal = checked(failed, CauseReason.PROVIDER_UNAVAILABLE)
    decided = decide_link(failed, signal, NOW, LinkPolicy(), leniency_of(status, NOW, POLICY))
    assert decided.link.state is LinkState.FAILED


def test_after_an_incident_lasting_counts_from_its_end() -> None:
    """A link that still does not answer when the incident is over has its ten minutes again."""
    opened = open_incident(never_troubled(NOW), an_incident())
    end = NOW + minutes(30)
    status = end_incident(opened, an_incident(), end)
    assert status.state is ProviderState.OPERATIONAL
    lasting = make_link(LinkState.DEGRADED, consecutive_failures=50, failing_since=NOW)
    signal = checked(lasting, CauseReason.NETWORK_ERROR)
    for after, expected in ((9, LinkState.DEGRADED), (10, LinkState.FAILED)):
        now = end + minutes(after)
        decided = decide_link(lasting, signal, now, LinkPolicy(), leniency_of(status, now, POLICY))
        assert decided.link.state is expected


def test_an_incident_that_is_over_shortens_nothing() -> None:
    """What is met for the first time after it has its ten minutes like any other trouble."""
    end = NOW + minutes(30)
    status = end_incident(open_incident(never_troubled(NOW), an_incident()), an_incident(), end)
    first = end + timedelta(hours=2)
    lasting = make_link(LinkState.DEGRADED, consecutive_failures=3, failing_since=first)
    for after, expected in ((9, LinkState.DEGRADED), (10, LinkState.FAILED)):
        now = first + minutes(after)
        signal = checked(lasting, CauseReason.NETWORK_ERROR)
        assert decide_link(lasting, signal, now, LinkPolicy(), leniency_of(status, now, POLICY)).link.state is expected


def test_what_concerns_adding_only_is_no_part_of_an_incident() -> None:
    """It degrades a link as ever, and ends the run of failures."""
    leniency = leniency_of(open_incident(never_troubled(NOW), an_incident()), NOW, POLICY)
    link = make_link(LinkState.DEGRADED, consecutive_failures=2, failing_since=NOW)
    adding = Finding(CauseReason.PROVIDER_UNAVAILABLE, capability=Capability.ADD)
    decided = decide_link(link, checked(link, adding), NOW, LinkPolicy(), leniency)
    assert (decided.reason, decided.link.consecutive_failures) == (LinkReason.LESSER_FAULT, 0)


def test_incidents_that_ended_long_ago_are_left_out() -> None:
    """A status shows what is open, and what ended within a day before the latest one opened."""
    ended = end_incident(open_incident(never_troubled(NOW), an_incident()), an_incident(), NOW + minutes(5))
    fresh = ProviderIncident(
        id="i2",
        reason=CauseReason.ACCESS_FORBIDDEN,
        open_time=NOW + timedelta(days=2),
        accounts_affected=1,
        links_checked=1,
    )
    assert [each.id for each in open_incident(ended, fresh).incidents] == ["i2"]
    assert ended.open_incident(CauseReason.PROVIDER_UNAVAILABLE) is None


def test_a_held_link_asks_nobody_to_mend_what_is_the_providers() -> None:
    """Whatever Google answers to everybody, the link says that Google is in trouble, and to wait."""
    status = open_incident(never_troubled(NOW), an_incident(CauseReason.SESSION_POLICY))
    link = make_link()
    signal = checked(link, CauseReason.SESSION_POLICY)
    held = decide_link(link, signal, NOW, LinkPolicy(), leniency_of(status, NOW, POLICY)).link
    assert held.cause is not None
    assert (held.cause.reason, held.next_action) == (CauseReason.PROVIDER_UNAVAILABLE, NextAction.WAIT)
