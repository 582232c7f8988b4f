"""What a check does to a link: the table of reasons, and when a second check is due."""

import copy

import pytest
from msgspec.structs import replace

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, NextAction
from calguard_server.domain.events import Notability
from calguard_server.domain.link import LinkDecision, Selected
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.link_verdict import LinkReason, confirms, needs_confirmation
from calguard_server.domain.scopes import REQUESTED_SCOPES
from tests.unit.builders import (
    EARLIER,
    NOW,
    checked,
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
    WITHOUT_LISTING,
    check,
    decide,
)

# --- every reason, in every state ---

Row = dict[tuple[LinkState, bool], tuple[str, str]]

FAILS_NOW: Row = {
    (LINKED, False): ("FAILED", "FAILED_AT_ONCE"),
    (LINKED, True): ("FAILED", "FAILED_AT_ONCE"),
    (DEGRADED, False): ("FAILED", "FAILED_AT_ONCE"),
    (DEGRADED, True): ("FAILED", "FAILED_AT_ONCE"),
    (FAILED, False): ("FAILED", "FAILED_AT_ONCE"),
    (FAILED, True): ("FAILED", "FAILED_AT_ONCE"),
}
FAILS_CONFIRMED: Row = {
    (LINKED, False): ("DEGRADED", "UNCONFIRMED"),
    (LINKED, True): ("FAILED", "CONFIRMED"),
    (DEGRADED, False): ("DEGRADED", "UNCONFIRMED"),
    (DEGRADED, True): ("FAILED", "CONFIRMED"),
    (FAILED, False): ("FAILED", "CONFIRMED"),
    (FAILED, True): ("FAILED", "CONFIRMED"),
}
MAY_PASS: Row = {
    (LINKED, False): ("DEGRADED", "BELOW_THRESHOLD"),
    (LINKED, True): ("DEGRADED", "BELOW_THRESHOLD"),
    (DEGRADED, False): ("DEGRADED", "BELOW_THRESHOLD"),
    (DEGRADED, True): ("DEGRADED", "BELOW_THRESHOLD"),
    (FAILED, False): ("FAILED", "STILL_FAILED"),
    (FAILED, True): ("FAILED", "STILL_FAILED"),
}
RATE: Row = {
    (LINKED, False): ("DEGRADED", "RATE_LIMITED"),
    (LINKED, True): ("DEGRADED", "RATE_LIMITED"),
    (DEGRADED, False): ("DEGRADED", "RATE_LIMITED"),
    (DEGRADED, True): ("DEGRADED", "RATE_LIMITED"),
    (FAILED, False): ("FAILED", "RATE_LIMITED"),
    (FAILED, True): ("FAILED", "RATE_LIMITED"),
}
DEGRADES: Row = {
    (LINKED, False): ("DEGRADED", "LESSER_FAULT"),
    (LINKED, True): ("DEGRADED", "LESSER_FAULT"),
    (DEGRADED, False): ("DEGRADED", "LESSER_FAULT"),
    (DEGRADED, True): ("DEGRADED", "LESSER_FAULT"),
    (FAILED, False): ("DEGRADED", "LESSER_FAULT"),
    (FAILED, True): ("DEGRADED", "LESSER_FAULT"),
}
LEFT_ALONE: Row = {
    (LINKED, False): ("LINKED", "OPERATOR_SIDE"),
    (LINKED, True): ("LINKED", "OPERATOR_SIDE"),
    (DEGRADED, False): ("DEGRADED", "OPERATOR_SIDE"),
    (DEGRADED, True): ("DEGRADED", "OPERATOR_SIDE"),
    (FAILED, False): ("FAILED", "OPERATOR_SIDE"),
    (FAILED, True): ("FAILED", "OPERATOR_SIDE"),
}

FIRST_MEETING: dict[str, Row] = {
    "AUTHORIZATION_REVOKED": FAILS_CONFIRMED,
    "SESSION_POLICY": FAILS_NOW,
    "ACCOUNT_UNAVAILABLE": FAILS_NOW,
    "AUTHORIZATION_INCOMPLETE": FAILS_NOW,
    "ADMIN_BLOCKED": FAILS_NOW,
    "SCOPE_MISSING": FAILS_NOW,
    "CALENDAR_NOT_VISIBLE": FAILS_CONFIRMED,
    "ADD_CALENDAR_NOT_VISIBLE": DEGRADES,
    "CALENDAR_READ_ONLY": DEGRADES,
    "ACCESS_FORBIDDEN": MAY_PASS,
    "SELECTION_MISSING": DEGRADES,
    "CALENDAR_SERVICE_OFF": FAILS_NOW,
    "RATE_LIMITED": RATE,
    "QUOTA_EXHAUSTED": LEFT_ALONE,
    "PROVIDER_UNAVAILABLE": MAY_PASS,
    "NETWORK_ERROR": MAY_PASS,
    "APP_MISCONFIGURED": LEFT_ALONE,
}
"""What the first check that meets a reason does to a link with a full grant and both calendars set."""

MEETINGS = [
    pytest.param(reason, state, confirmed, *expected, id=f"{reason}-{state}-{'confirmed' if confirmed else 'once'}")
    for reason, row in FIRST_MEETING.items()
    for (state, confirmed), expected in row.items()
]


def test_the_table_names_every_reason() -> None:
    """A reason that is added has to be decided here."""
    assert set(FIRST_MEETING) == {reason.value for reason in CauseReason}


@pytest.mark.parametrize(("reason", "state", "confirmed", "expected_state", "expected_reason"), MEETINGS)
def test_a_reason_met_once(
    reason: str, state: LinkState, expected_state: str, expected_reason: str, *, confirmed: bool
) -> None:
    """A check leads to the state and for the reason that the table says, and the cause names what was met.

    An operator's fault leaves the cause alone too, and so does what may pass by itself on a FAILED link.
    """
    link = make_link(state)
    before = copy.deepcopy(link)
    decision = decide(link, checked(link, CauseReason(reason), confirmed=confirmed))
    assert (decision.link.state.value, decision.reason.value) == (expected_state, expected_reason)
    left_alone = FIRST_MEETING[reason] is LEFT_ALONE
    held = state is FAILED and FIRST_MEETING[reason] in (MAY_PASS, RATE)
    if left_alone or held:
        assert decision.link.cause == link.cause
    else:
        assert decision.link.cause is not None
        assert decision.link.cause.reason.value == reason
    assert (decision.move is None) == left_alone
    assert link == before


@pytest.mark.parametrize("confirmed", [False, True])
@pytest.mark.parametrize("reason", list(CauseReason))
def test_a_check_of_a_stopped_link_is_dropped(reason: CauseReason, *, confirmed: bool) -> None:
    """Whatever a check met that ends after the link was disconnected on purpose, the link stays as it is."""
    link = make_link(STOPPED)
    decision = decide(link, checked(link, reason, confirmed=confirmed))
    assert decision == LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)


@pytest.mark.parametrize("state", [LINKED, DEGRADED, FAILED])
def test_a_check_that_finds_nothing_links(state: LinkState) -> None:
    """A full success leads to LINKED from every connected state, with no cause and nothing for the person to do."""
    link = make_link(state, consecutive_failures=5, failing_since=EARLIER, quota_exhausted_since=EARLIER)
    decision = check(link)
    link = decision.link
    assert (link.state, decision.reason) == (LINKED, LinkReason.HEALTHY)
    assert (link.cause, link.next_action, link.authorized) == (None, NextAction.NONE, True)
    assert (link.consecutive_failures, link.failing_since, link.quota_exhausted_since) == (0, None, None)


@pytest.mark.parametrize(
    ("findings", "expected"),
    [
        (["NETWORK_ERROR", "SESSION_POLICY", "AUTHORIZATION_REVOKED"], ("FAILED", "SESSION_POLICY")),
        (["NETWORK_ERROR", "CALENDAR_NOT_VISIBLE"], ("DEGRADED", "CALENDAR_NOT_VISIBLE")),
        (["CALENDAR_READ_ONLY", "NETWORK_ERROR"], ("DEGRADED", "NETWORK_ERROR")),
        (["APP_MISCONFIGURED", "NETWORK_ERROR"], ("DEGRADED", "NETWORK_ERROR")),
        (["ACCESS_FORBIDDEN", "NETWORK_ERROR"], ("DEGRADED", "ACCESS_FORBIDDEN")),
        (["RATE_LIMITED", "NETWORK_ERROR"], ("DEGRADED", "NETWORK_ERROR")),
        (["CALENDAR_READ_ONLY", "RATE_LIMITED"], ("DEGRADED", "RATE_LIMITED")),
        (["APP_MISCONFIGURED", "CALENDAR_READ_ONLY"], ("DEGRADED", "CALENDAR_READ_ONLY")),
        (["ADMIN_BLOCKED", "CALENDAR_SERVICE_OFF"], ("FAILED", "ADMIN_BLOCKED")),
    ],
)
def test_the_gravest_finding_decides(findings: list[str], expected: tuple[str, str]) -> None:
    """Of several findings the gravest is the cause, and of equally grave ones the first, but a rate limit the last."""
    link = check(make_link(), *map(CauseReason, findings)).link
    assert (link.state.value, link.cause and link.cause.reason.value) == expected


# --- what is found without asking anybody ---


@pytest.mark.parametrize(
    ("scopes", "capability", "expected"),
    [
        (WITHOUT_LISTING, Capability.LIST, FAILED),
        (WITHOUT_CHECKING, Capability.CHECK, FAILED),
        (WITHOUT_ADDING, Capability.ADD, DEGRADED),
        (("openid", "email"), Capability.LIST, FAILED),
    ],
)
def test_a_box_that_was_not_ticked(scopes: tuple[str, ...], capability: Capability, expected: LinkState) -> None:
    """Lacking listing or checking fails the link, lacking only adding degrades it; the cause names the capability."""
    link = check(make_link(granted_scopes=scopes)).link
    assert link.state is expected
    assert link.cause == Cause(CauseReason.SCOPE_MISSING, NOW, capability=capability)
    assert link.next_action is NextAction.RECONNECT
    assert link.authorized is (expected is DEGRADED)


def test_a_check_may_bring_the_scopes_that_are_left() -> None:
    """What a refresh says was granted replaces what was stored, and is judged at once."""
    link = make_link()
    signal = replace(checked(link), granted_scopes=WITHOUT_CHECKING)
    decision = decide(link, signal)
    assert decision.link.granted_scopes == WITHOUT_CHECKING
    assert decision.link.state is FAILED
    assert check(link).link.granted_scopes == REQUESTED_SCOPES


def test_no_grant_fails() -> None:
    """A link that holds no grant, though nobody disconnected it, is FAILED and has to be connected anew."""
    link = check(make_link(has_grant=False)).link
    assert (link.state, link.next_action, link.authorized) == (FAILED, NextAction.RECONNECT, False)
    assert link.cause == make_cause(CauseReason.AUTHORIZATION_INCOMPLETE, NOW)


@pytest.mark.parametrize(
    ("check_calendars", "add_calendar", "expected"),
    [((), "", DEGRADED), (("work",), "", LINKED), ((), "work", LINKED), (("work",), "work", LINKED)],
)
def test_nothing_selected_degrades(check_calendars: tuple[str, ...], add_calendar: str, expected: LinkState) -> None:
    """A link with neither kind of calendar set is DEGRADED and says so; either kind is enough."""
    link = make_link()
    chosen = decide(link, Selected(check_calendars, add_calendar, (), link.evidence)).link
    assert chosen.state is expected
    assert (chosen.check_calendar_ids, chosen.add_calendar_id) == (check_calendars, add_calendar)
    if expected is DEGRADED:
        assert chosen.cause == make_cause(CauseReason.SELECTION_MISSING, NOW)
        assert (chosen.next_action, chosen.authorized) == (NextAction.SELECT_CALENDARS, True)


# --- the confirming check ---

REVOKED = Finding(CauseReason.AUTHORIZATION_REVOKED)
HOME_GONE = Finding(CauseReason.CALENDAR_NOT_VISIBLE, "home")
WORK_GONE = Finding(CauseReason.CALENDAR_NOT_VISIBLE, "work")
BLOCKED = Finding(CauseReason.ADMIN_BLOCKED)


@pytest.mark.parametrize(
    ("state", "findings", "expected"),
    [
        (LINKED, (), False),
        (LINKED, (REVOKED,), True),
        (DEGRADED, (HOME_GONE,), True),
        (LINKED, (Finding(NO_NETWORK), HOME_GONE), True),
        (LINKED, (HOME_GONE, BLOCKED), False),
        (LINKED, (BLOCKED,), False),
        (LINKED, (Finding(NO_NETWORK),), False),
        (FAILED, (REVOKED,), False),
    ],
)
def test_when_a_second_check_is_due(state: LinkState, findings: tuple[Finding, ...], *, expected: bool) -> None:
    """A second check is due exactly where it could change the outcome."""
    assert needs_confirmation(make_link(state), findings) is expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((REVOKED,), (REVOKED,), True),
        ((REVOKED,), (), False),
        ((REVOKED,), (HOME_GONE,), False),
        ((HOME_GONE,), (WORK_GONE,), False),
        ((HOME_GONE, WORK_GONE), (WORK_GONE,), True),
        ((BLOCKED,), (BLOCKED,), False),
        ((replace(REVOKED, retry_after=seconds(5)),), (REVOKED,), True),
    ],
)
def test_what_confirms(first: tuple[Finding, ...], second: tuple[Finding, ...], *, expected: bool) -> None:
    """A second check confirms when it meets one of the doubtful findings again: same reason, same calendar."""
    assert confirms(first, second) is expected
