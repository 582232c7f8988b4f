"""What the person does to a link: consent, selection and disconnect, and what they outdate."""

import pytest
from msgspec.structs import replace

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, NextAction
from calguard_server.domain.events import Notability
from calguard_server.domain.link import Disconnected, LinkDecision, LinkSignal, Selected
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.link_verdict import LinkReason
from tests.unit.builders import (
    EARLIER,
    NOW,
    authorized,
    checked,
    findings_of,
    make_cause,
    make_link,
    seconds,
)
from tests.unit.link_runs import (
    DEGRADED,
    FAILED,
    LINKED,
    NO_NETWORK,
    STOPPED,
    WITHOUT_ADDING,
    WITHOUT_CHECKING,
    check,
    decide,
)

OUR_OWN = [CauseReason.APP_MISCONFIGURED, CauseReason.QUOTA_EXHAUSTED]

# --- stale signals ---


@pytest.mark.parametrize("evidence", [6, 8])
@pytest.mark.parametrize("confirmed", [False, True])
def test_a_stale_check_is_dropped(evidence: int, *, confirmed: bool) -> None:
    """A check that began on other evidence than the link now rests on changes nothing, not even a time."""
    link = make_link(evidence=7)
    signal = replace(checked(link, CauseReason.ADMIN_BLOCKED, confirmed=confirmed), evidence=evidence)
    assert decide(link, signal) == LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)


def test_a_stale_selection_is_dropped() -> None:
    """So is a selection that was checked on other evidence."""
    link = make_link(evidence=7)
    assert decide(link, Selected(("home",), "", (), 6)) == LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)


@pytest.mark.parametrize(
    "signal",
    [
        authorized(),
        authorized(CauseReason.ADMIN_BLOCKED),
        Selected(("home",), "home", (), 7),
        Selected((), "", (), 7),
        Disconnected(),
    ],
)
def test_what_the_person_did_outdates_a_check_under_way(signal: LinkSignal) -> None:
    """A check that began before a consent, a selection or a disconnect ends as stale."""
    link = make_link()
    under_way = checked(link, CauseReason.ADMIN_BLOCKED)
    after = decide(link, signal).link
    assert decide(after, under_way).reason is LinkReason.STALE_SIGNAL


@pytest.mark.parametrize("state", [LINKED, DEGRADED, FAILED])
@pytest.mark.parametrize("findings", [(), (CauseReason.APP_MISCONFIGURED,), (CauseReason.CALENDAR_READ_ONLY,)])
def test_a_consent_outdates_a_check_at_the_same_instant(state: LinkState, findings: tuple[CauseReason, ...]) -> None:
    """A consent is another grant, though nothing else of the link changes: what rests on the old one is stale."""
    link = make_link(state, last_check_time=NOW)
    under_way = checked(link, CauseReason.ADMIN_BLOCKED)
    consented = decide(link, authorized(*findings))
    assert consented.link.evidence == link.evidence + 1
    assert decide(consented.link, under_way, NOW + seconds(1)).reason is LinkReason.STALE_SIGNAL


def test_a_check_that_changed_only_times_outdates_nothing() -> None:
    """A selection that was checked while a healthy check ended is not lost."""
    link = make_link()
    selection = Selected(("home",), "home", (), link.evidence)
    assert decide(check(link).link, selection).link.check_calendar_ids == ("home",)


# --- consent ---

CONSENTS = [
    (LINKED, (), "LINKED", "HEALTHY"),
    (DEGRADED, (), "LINKED", "HEALTHY"),
    (FAILED, (), "LINKED", "HEALTHY"),
    (STOPPED, (), "LINKED", "HEALTHY"),
    (LINKED, (NO_NETWORK,), "DEGRADED", "BELOW_THRESHOLD"),
    (DEGRADED, (NO_NETWORK,), "DEGRADED", "BELOW_THRESHOLD"),
    (FAILED, (NO_NETWORK,), "FAILED", "STILL_FAILED"),
    (STOPPED, (NO_NETWORK,), "DEGRADED", "BELOW_THRESHOLD"),
    (LINKED, (CauseReason.CALENDAR_SERVICE_OFF,), "FAILED", "FAILED_AT_ONCE"),
    (DEGRADED, (CauseReason.CALENDAR_SERVICE_OFF,), "FAILED", "FAILED_AT_ONCE"),
    (FAILED, (CauseReason.CALENDAR_SERVICE_OFF,), "FAILED", "FAILED_AT_ONCE"),
    (STOPPED, (CauseReason.CALENDAR_SERVICE_OFF,), "FAILED", "FAILED_AT_ONCE"),
    (LINKED, (CauseReason.CALENDAR_READ_ONLY,), "DEGRADED", "LESSER_FAULT"),
    (DEGRADED, (CauseReason.CALENDAR_READ_ONLY,), "DEGRADED", "LESSER_FAULT"),
    (FAILED, (CauseReason.CALENDAR_READ_ONLY,), "DEGRADED", "LESSER_FAULT"),
    (STOPPED, (CauseReason.CALENDAR_READ_ONLY,), "DEGRADED", "LESSER_FAULT"),
    (LINKED, (CauseReason.APP_MISCONFIGURED,), "LINKED", "OPERATOR_SIDE"),
    (DEGRADED, (CauseReason.APP_MISCONFIGURED,), "DEGRADED", "OPERATOR_SIDE"),
    (FAILED, (CauseReason.APP_MISCONFIGURED,), "FAILED", "OPERATOR_SIDE"),
    (STOPPED, (CauseReason.APP_MISCONFIGURED,), "DEGRADED", "OPERATOR_SIDE"),
    (LINKED, (CauseReason.QUOTA_EXHAUSTED,), "LINKED", "OPERATOR_SIDE"),
    (DEGRADED, (CauseReason.QUOTA_EXHAUSTED,), "DEGRADED", "OPERATOR_SIDE"),
    (FAILED, (CauseReason.QUOTA_EXHAUSTED,), "FAILED", "OPERATOR_SIDE"),
    (STOPPED, (CauseReason.QUOTA_EXHAUSTED,), "DEGRADED", "OPERATOR_SIDE"),
    (LINKED, (CauseReason.RATE_LIMITED,), "DEGRADED", "RATE_LIMITED"),
    (DEGRADED, (CauseReason.RATE_LIMITED,), "DEGRADED", "RATE_LIMITED"),
    (FAILED, (CauseReason.RATE_LIMITED,), "FAILED", "RATE_LIMITED"),
    (STOPPED, (CauseReason.RATE_LIMITED,), "DEGRADED", "RATE_LIMITED"),
]


@pytest.mark.parametrize(("state", "findings", "expected_state", "expected_reason"), CONSENTS)
def test_consent(
    state: LinkState, findings: tuple[CauseReason, ...], expected_state: str, expected_reason: str
) -> None:
    """A consent is judged by what was found with it; one that could not be verified is never LINKED by itself.

    The old cause is gone, the runs of failures and of an exhausted quota begin anew, and a link that is not LINKED
    always says why.
    """
    link = make_link(state, consecutive_failures=9, failing_since=EARLIER, quota_exhausted_since=EARLIER)
    decision = decide(link, authorized(*findings))
    after = decision.link
    assert (after.state.value, decision.reason.value) == (expected_state, expected_reason)
    assert (after.cause and after.cause.reason) == (findings[0] if after.state is not LINKED else None)
    assert after.has_grant
    assert after.consecutive_failures <= 1
    assert after.failing_since in (None, NOW)
    assert after.quota_exhausted_since == (NOW if findings == (CauseReason.QUOTA_EXHAUSTED,) else None)
    assert decision.move is not None
    assert decision.notability.makes_event
    assert (after.evidence, after.last_check_time) == (link.evidence + 1, NOW)


def test_consent_takes_what_the_person_gave() -> None:
    """The Google account, the scopes and the selection are those of the consent; the link keeps its ids."""
    link = make_link(STOPPED)
    signal = authorized(
        provider_subject="20002",
        provider_email="new@gmail.example",
        granted_scopes=WITHOUT_ADDING,
        check_calendar_ids=("new",),
        add_calendar_id="",
    )
    after = decide(link, signal).link
    assert (after.id, after.account_id, after.create_time) == (link.id, link.account_id, link.create_time)
    assert (after.provider_subject, after.provider_email) == ("20002", "new@gmail.example")
    assert (after.granted_scopes, after.check_calendar_ids, after.add_calendar_id) == (WITHOUT_ADDING, ("new",), "")
    assert after.cause == Cause(CauseReason.SCOPE_MISSING, NOW, capability=Capability.ADD)


@pytest.mark.parametrize(("scopes", "expected"), [(WITHOUT_CHECKING, FAILED), (WITHOUT_ADDING, DEGRADED)])
def test_consent_with_a_box_not_ticked(scopes: tuple[str, ...], expected: LinkState) -> None:
    """A consent that lacks a permission is not LINKED, though Google accepts it."""
    assert decide(make_link(STOPPED), authorized(granted_scopes=scopes)).link.state is expected


@pytest.mark.parametrize("reason", OUR_OWN)
@pytest.mark.parametrize("state", [LINKED, DEGRADED, STOPPED])
def test_a_box_known_to_be_missing_is_not_hidden_by_our_fault(state: LinkState, reason: CauseReason) -> None:
    """That adding was not granted is known from the consent itself, also where our own fault kept it from a check."""
    after = decide(make_link(state), authorized(reason, granted_scopes=WITHOUT_ADDING)).link
    assert after.state is DEGRADED
    assert after.cause == Cause(CauseReason.SCOPE_MISSING, NOW, capability=Capability.ADD)


def test_consent_with_nothing_selected() -> None:
    """A first consent without a selection is DEGRADED, and the person is asked to set the calendars."""
    after = decide(make_link(STOPPED), authorized(check_calendar_ids=(), add_calendar_id="")).link
    assert (after.state, after.next_action) == (DEGRADED, NextAction.SELECT_CALENDARS)


@pytest.mark.parametrize(
    ("state", "confirmed", "expected"),
    [(LINKED, False, DEGRADED), (LINKED, True, FAILED), (STOPPED, False, DEGRADED), (STOPPED, True, FAILED)],
)
def test_consent_with_a_calendar_gone(state: LinkState, expected: LinkState, *, confirmed: bool) -> None:
    """A check calendar that is gone at the consent is confirmed as it is in a check."""
    signal = authorized(Finding(CauseReason.CALENDAR_NOT_VISIBLE, "home"), confirmed=confirmed)
    after = decide(make_link(state), signal).link
    assert after.state is expected
    assert after.cause == make_cause(CauseReason.CALENDAR_NOT_VISIBLE, NOW, "home")


def test_consenting_again_to_the_same_is_told() -> None:
    """A LINKED link that is consented to again stays LINKED, but its grant is another one: that is an update."""
    decision = decide(make_link(), authorized())
    assert (decision.link.state, decision.notability) == (LINKED, Notability.UPDATED)
    assert (decision.link.update_time, decision.link.state_time) == (NOW, EARLIER)


# --- selection and disconnect ---


@pytest.mark.parametrize(
    ("state", "findings", "expected"),
    [
        (LINKED, (), LINKED),
        (DEGRADED, (), LINKED),
        (FAILED, (), LINKED),
        (LINKED, (NO_NETWORK,), DEGRADED),
        (DEGRADED, (NO_NETWORK,), DEGRADED),
        (FAILED, (NO_NETWORK,), FAILED),
        (LINKED, (CauseReason.CALENDAR_NOT_VISIBLE,), DEGRADED),
        (LINKED, (CauseReason.ADD_CALENDAR_NOT_VISIBLE,), DEGRADED),
        (FAILED, (CauseReason.ADD_CALENDAR_NOT_VISIBLE,), DEGRADED),
        (LINKED, (CauseReason.APP_MISCONFIGURED,), LINKED),
    ],
)
def test_a_selection_is_judged(state: LinkState, findings: tuple[CauseReason, ...], expected: LinkState) -> None:
    """A selection is saved, and what the check of it met decides the state."""
    link = make_link(state)
    decision = decide(link, Selected(("team",), "team", findings_of(*findings), link.evidence))
    assert decision.link.state is expected
    assert (decision.link.check_calendar_ids, decision.link.add_calendar_id) == (("team",), "team")
    assert decision.notability is (Notability.UPDATED if state is expected else Notability.STATE_CHANGED)


@pytest.mark.parametrize("reason", OUR_OWN)
@pytest.mark.parametrize("state", [LINKED, DEGRADED])
def test_nothing_selected_says_so_beside_our_fault(state: LinkState, reason: CauseReason) -> None:
    """Whoever takes the last calendar away is told that none is set, though our own fault kept it from a check."""
    link = make_link(state)
    after = decide(link, Selected((), "", findings_of(reason), link.evidence)).link
    assert (after.state, after.cause) == (DEGRADED, make_cause(CauseReason.SELECTION_MISSING, NOW))


@pytest.mark.parametrize("reason", [*OUR_OWN, NO_NETWORK, CauseReason.RATE_LIMITED])
def test_something_selected_no_longer_says_that_nothing_is(reason: CauseReason) -> None:
    """Once calendars are set the link no longer asks for them, though they could not be checked yet."""
    unset = make_link(
        DEGRADED, cause=make_cause(CauseReason.SELECTION_MISSING), check_calendar_ids=(), add_calendar_id=""
    )
    after = decide(unset, Selected(("work",), "", findings_of(reason), unset.evidence)).link
    assert (after.state, after.cause, after.next_action) == (DEGRADED, make_cause(reason, NOW), NextAction.WAIT)


def test_a_confirmed_selection_can_fail() -> None:
    """A calendar that a second look does not see either fails the link."""
    link = make_link()
    findings = (Finding(CauseReason.CALENDAR_NOT_VISIBLE, "team"),)
    assert decide(link, Selected(("team",), "", findings, link.evidence, confirmed=True)).link.state is FAILED


@pytest.mark.parametrize("state", [LINKED, DEGRADED, FAILED])
def test_disconnecting(state: LinkState) -> None:
    """A disconnect forgets the grant and the failures, keeps the selection, and is no failure."""
    link = make_link(
        state, consecutive_failures=3, failing_since=EARLIER, quota_exhausted_since=EARLIER, next_check_time=NOW
    )
    decision = decide(link, Disconnected())
    expected = replace(
        link,
        state=STOPPED,
        cause=None,
        has_grant=False,
        granted_scopes=(),
        next_check_time=None,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        evidence=link.evidence + 1,
        state_time=NOW,
        update_time=NOW,
    )
    assert decision.link == expected
    assert (decision.reason, decision.notability) == (LinkReason.DISCONNECTED, Notability.STATE_CHANGED)
    assert (decision.link.next_action, decision.link.authorized) == (NextAction.CONNECT, False)


def test_a_cause_about_a_calendar_that_is_no_longer_selected_goes() -> None:
    """A new selection meets an outage: the link stays FAILED, for the outage and not for the calendar left behind."""
    gone = make_cause(CauseReason.CALENDAR_NOT_VISIBLE, calendar_id="work")
    link = make_link(LinkState.FAILED, cause=gone, check_calendar_ids=("work",))
    outage = (Finding(CauseReason.NETWORK_ERROR),)
    decision = decide(link, Selected(("home",), "", outage, link.evidence))
    assert decision.link.state is LinkState.FAILED
    assert decision.link.cause is not None
    assert decision.link.cause.reason is CauseReason.NETWORK_ERROR
