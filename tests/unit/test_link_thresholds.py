"""What may pass by itself, what is the operator's to mend, and how FAILED ends."""

from datetime import timedelta

import pytest

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, NextAction
from calguard_server.domain.events import Notability
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.link_verdict import LinkPolicy, LinkReason
from tests.unit.builders import (
    EARLIER,
    NOW,
    findings_of,
    make_cause,
    make_link,
    minutes,
)
from tests.unit.link_runs import (
    DEGRADED,
    FAILED,
    LINKED,
    NO_NETWORK,
    OUTAGE,
    WITHOUT_ADDING,
    check,
    run_of,
)

Steps = list[tuple[float, CauseReason | None]]
OUR_OWN = [CauseReason.APP_MISCONFIGURED, CauseReason.QUOTA_EXHAUSTED]
DOES_NOT_COUNT = [CauseReason.RATE_LIMITED, *OUR_OWN]

# --- thresholds ---


@pytest.mark.parametrize(
    ("steps", "state", "reason"),
    [
        ([(0, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (30, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (1, OUTAGE), (2, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(m, OUTAGE) for m in range(10)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (5, OUTAGE), (9.999, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (5, OUTAGE), (10, OUTAGE)], FAILED, LinkReason.THRESHOLD_PASSED),
        ([(0, OUTAGE), (5, OUTAGE), (9, OUTAGE), (11, OUTAGE)], FAILED, LinkReason.THRESHOLD_PASSED),
        ([(0, OUTAGE), (5, NO_NETWORK), (10, CauseReason.ACCESS_FORBIDDEN)], FAILED, LinkReason.THRESHOLD_PASSED),
        ([(0, OUTAGE), (5, OUTAGE), (9, None), (10, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (5, None), (9, OUTAGE), (14, OUTAGE), (18, OUTAGE)], DEGRADED, LinkReason.BELOW_THRESHOLD),
        ([(0, OUTAGE), (5, None), (9, OUTAGE), (14, OUTAGE), (19, OUTAGE)], FAILED, LinkReason.THRESHOLD_PASSED),
        (
            [(0, OUTAGE), (5, CauseReason.CALENDAR_READ_ONLY), (9, OUTAGE), (14, OUTAGE), (18, OUTAGE)],
            DEGRADED,
            LinkReason.BELOW_THRESHOLD,
        ),
    ],
)
def test_three_in_a_row_and_ten_minutes(steps: Steps, state: LinkState, reason: LinkReason) -> None:
    """What may pass by itself fails a link at the third check in a row that is ten minutes past the first.

    Neither the count nor the time is enough alone; the exact boundary is; another passing cause goes on with the
    run; a success, be it with a lesser fault, starts anew.
    """
    decision = run_of(steps)
    assert (decision.link.state, decision.reason) == (state, reason)


def test_the_thresholds_are_settings() -> None:
    """The count and the time come from the policy, not from the code."""
    steps = [(0, OUTAGE), (1, OUTAGE)]
    assert run_of(steps, LinkPolicy(failure_threshold=2, failure_after=minutes(1))).link.state is FAILED
    assert run_of(steps, LinkPolicy(failure_threshold=3, failure_after=minutes(1))).link.state is DEGRADED
    assert run_of(steps, LinkPolicy(failure_threshold=2, failure_after=minutes(2))).link.state is DEGRADED
    at_once = LinkPolicy(failure_threshold=1, failure_after=timedelta())
    assert run_of([(0, OUTAGE)], at_once).link.state is FAILED


def test_a_flapping_cause_keeps_the_start_of_the_run() -> None:
    """`failing_since` is when the first failure in a row was met, whatever came later; `since` is the cause's own."""
    link = run_of([(0, OUTAGE), (2, NO_NETWORK), (4, OUTAGE)]).link
    assert (link.failing_since, link.consecutive_failures) == (NOW, 3)
    assert link.cause == make_cause(OUTAGE, NOW + minutes(4))


def test_rate_limits_never_fail_a_link() -> None:
    """However often and long Google asks for fewer requests, the link is DEGRADED and nothing is counted."""
    decision = run_of([(m, CauseReason.RATE_LIMITED) for m in range(0, 600, 10)])
    assert (decision.link.state, decision.reason) == (DEGRADED, LinkReason.RATE_LIMITED)
    assert decision.link.consecutive_failures == 0


@pytest.mark.parametrize("other", DOES_NOT_COUNT)
def test_what_does_not_count_is_not_one_of_the_three(other: CauseReason) -> None:
    """A rate limit, or what is ours to mend, among failures neither counts nor ends the run."""
    assert run_of([(0, OUTAGE), (5, other), (10, other), (15, OUTAGE)]).link.state is DEGRADED
    assert run_of([(0, OUTAGE), (5, other), (10, OUTAGE), (15, OUTAGE)]).link.state is FAILED


@pytest.mark.parametrize("first", DOES_NOT_COUNT)
def test_the_ten_minutes_begin_with_the_first_failure_that_counts(first: CauseReason) -> None:
    """A rate limit, or what is ours to mend, right before the failures does not lengthen them."""
    before: Steps = [(at, first) for at in range(0, 30, 5)]
    assert run_of(before).link.failing_since is None
    within_a_minute = run_of([*before, (30, OUTAGE), (30.25, OUTAGE), (30.5, OUTAGE)])
    assert (within_a_minute.link.state, within_a_minute.reason) == (DEGRADED, LinkReason.BELOW_THRESHOLD)
    assert within_a_minute.link.failing_since == NOW + minutes(30)
    assert run_of([*before, (30, OUTAGE), (35, OUTAGE), (40, OUTAGE)]).link.state is FAILED


@pytest.mark.parametrize("order", [(CauseReason.RATE_LIMITED, OUTAGE), (OUTAGE, CauseReason.RATE_LIMITED)])
def test_a_rate_limit_does_not_hide_a_failure_beside_it(order: tuple[CauseReason, CauseReason]) -> None:
    """Where one check meets a rate limit and an outage, the outage counts, whichever came first."""
    link = make_link()
    for at in (0, 5, 10):
        link = check(link, *order, at=minutes(at)).link
    assert (link.state, link.cause) == (FAILED, make_cause(OUTAGE, NOW))


def test_unconfirmed_never_fails() -> None:
    """What has to be confirmed does not fail a link by being met unconfirmed, however often."""
    decision = run_of([(m, CauseReason.AUTHORIZATION_REVOKED) for m in range(0, 100, 10)])
    assert (decision.link.state, decision.reason) == (DEGRADED, LinkReason.UNCONFIRMED)


# --- what is the operator's to mend ---


@pytest.mark.parametrize("reason", OUR_OWN)
@pytest.mark.parametrize("state", [LINKED, DEGRADED, FAILED])
def test_operator_side_is_reported_and_changes_nothing(state: LinkState, reason: CauseReason) -> None:
    """The operator is told which findings are theirs; the link's state, cause and times of state stay."""
    link = make_link(state)
    decision = check(link, reason)
    assert decision.operator_findings == findings_of(reason)
    assert decision.notability is Notability.QUIET
    assert (decision.link.state, decision.link.cause, decision.link.state_time) == (state, link.cause, EARLIER)
    assert decision.link.consecutive_failures == 0


def test_operator_side_is_reported_beside_what_decides() -> None:
    """The operator is told of their findings also where a graver one decides, and of no others."""
    decision = check(make_link(), CauseReason.ADMIN_BLOCKED, CauseReason.APP_MISCONFIGURED, OUTAGE)
    assert decision.link.state is FAILED
    assert decision.operator_findings == findings_of(CauseReason.APP_MISCONFIGURED)
    assert check(make_link(), CauseReason.ADMIN_BLOCKED).operator_findings == ()


def test_our_misconfiguration_never_degrades() -> None:
    """A client that is deleted for days leaves a healthy link LINKED."""
    decision = run_of([(m, CauseReason.APP_MISCONFIGURED) for m in range(0, 5000, 10)])
    assert (decision.link.state, decision.link.cause) == (LINKED, None)
    assert (decision.reason, decision.move) == (LinkReason.OPERATOR_SIDE, None)


@pytest.mark.parametrize(
    ("last", "state", "reason"),
    [
        (59.999, LINKED, LinkReason.OPERATOR_SIDE),
        (60, DEGRADED, LinkReason.QUOTA_GRACE_OVER),
        (6000, DEGRADED, LinkReason.QUOTA_GRACE_OVER),
    ],
)
def test_an_exhausted_quota_degrades_after_an_hour(last: float, state: LinkState, reason: LinkReason) -> None:
    """An exhausted quota changes nothing for an hour, degrades from then on, and never fails."""
    quota = CauseReason.QUOTA_EXHAUSTED
    decision = run_of([(0, quota), (20, quota), (40, quota), (last, quota)])
    assert (decision.link.state, decision.reason) == (state, reason)
    assert decision.operator_findings == findings_of(quota)
    if state is DEGRADED:
        assert decision.link.cause == make_cause(quota, NOW + minutes(last))


def test_the_grace_of_a_quota_is_a_setting() -> None:
    """The time of grace comes from the policy."""
    steps = [(0, CauseReason.QUOTA_EXHAUSTED), (2, CauseReason.QUOTA_EXHAUSTED)]
    assert run_of(steps, LinkPolicy(quota_grace=minutes(2))).link.state is DEGRADED
    assert run_of(steps, LinkPolicy(quota_grace=minutes(3))).link.state is LINKED


@pytest.mark.parametrize(
    "between", [None, CauseReason.APP_MISCONFIGURED, CauseReason.RATE_LIMITED, CauseReason.CALENDAR_READ_ONLY, OUTAGE]
)
def test_a_quota_that_recovers_starts_anew(between: CauseReason | None) -> None:
    """A check in between that meets no exhausted quota gives another hour."""
    quota = CauseReason.QUOTA_EXHAUSTED
    link = run_of([(0, quota), (50, between)]).link
    assert link.quota_exhausted_since is None
    decision = run_of([(0, quota), (50, between), (70, quota)])
    assert (decision.reason, decision.link.quota_exhausted_since) == (LinkReason.OPERATOR_SIDE, NOW + minutes(70))


@pytest.mark.parametrize("first", [CauseReason.APP_MISCONFIGURED, CauseReason.RATE_LIMITED, OUTAGE])
def test_the_hour_of_a_quota_begins_with_the_quota(first: CauseReason) -> None:
    """However long something else was the matter before, an exhausted quota has its own hour."""
    before: Steps = [(at, first) for at in range(0, 70, 10)]
    decision = run_of([*before, (70, CauseReason.QUOTA_EXHAUSTED)])
    assert (decision.reason, decision.link.quota_exhausted_since) == (LinkReason.OPERATOR_SIDE, NOW + minutes(70))
    assert decision.link.state is run_of(before).link.state


def test_an_exhausted_quota_is_no_failure() -> None:
    """An exhausted quota is timed apart from the failures: it neither counts as one nor begins their run."""
    link = run_of([(at, CauseReason.QUOTA_EXHAUSTED) for at in range(0, 100, 10)]).link
    assert (link.consecutive_failures, link.failing_since, link.quota_exhausted_since) == (0, None, NOW)


def test_an_exhausted_quota_leaves_a_failed_link_its_cause() -> None:
    """After its hour too, an exhausted quota says nothing of a grant that was revoked."""
    link = make_link(FAILED, quota_exhausted_since=EARLIER)
    decision = check(link, CauseReason.QUOTA_EXHAUSTED)
    assert (decision.link.state, decision.link.cause, decision.notability) == (FAILED, link.cause, Notability.QUIET)


LACKS: dict[str, tuple[dict[str, object], Cause]] = {
    "nothing selected": (
        {"check_calendar_ids": (), "add_calendar_id": ""},
        Cause(CauseReason.SELECTION_MISSING, NOW),
    ),
    "adding not granted": (
        {"granted_scopes": WITHOUT_ADDING},
        Cause(CauseReason.SCOPE_MISSING, NOW, capability=Capability.ADD),
    ),
}
"""What a link can be known to lack without asking anybody, and the cause that says so."""


@pytest.mark.parametrize("reason", OUR_OWN)
@pytest.mark.parametrize("state", [LINKED, DEGRADED])
@pytest.mark.parametrize("lack", LACKS)
def test_what_a_link_itself_lacks_shows_beside_our_fault(lack: str, state: LinkState, reason: CauseReason) -> None:
    """A link that lacks a selection, or the permission to add, is DEGRADED and says so, whatever is ours to mend."""
    changes, cause = LACKS[lack]
    decision = check(make_link(state, **changes), reason)
    assert (decision.link.state, decision.link.cause) == (DEGRADED, cause)
    assert decision.reason is LinkReason.LESSER_FAULT
    assert decision.operator_findings == findings_of(reason)


@pytest.mark.parametrize("reason", OUR_OWN)
@pytest.mark.parametrize("lack", LACKS)
def test_what_a_failed_link_lacks_does_not_mend_it(lack: str, reason: CauseReason) -> None:
    """A FAILED link stays FAILED for its cause: our fault beside what it lacks is no evidence that it can be read."""
    link = make_link(FAILED, **LACKS[lack][0])
    decision = check(link, reason)
    assert (decision.link.state, decision.link.cause) == (FAILED, link.cause)
    assert (decision.reason, decision.operator_findings) == (LinkReason.OPERATOR_SIDE, findings_of(reason))


@pytest.mark.parametrize("reason", OUR_OWN)
def test_a_lesser_fault_beside_ours_ends_no_run_of_failures(reason: CauseReason) -> None:
    """A check that our own fault cut short is no success: the failures before it still count."""
    link = check(make_link(consecutive_failures=2, failing_since=EARLIER), reason, CauseReason.CALENDAR_READ_ONLY).link
    assert (link.consecutive_failures, link.failing_since) == (2, EARLIER)


# --- FAILED ends by evidence ---


@pytest.mark.parametrize("reason", [OUTAGE, NO_NETWORK, CauseReason.ACCESS_FORBIDDEN, CauseReason.RATE_LIMITED])
def test_a_failed_link_stays_failed_for_its_own_cause(reason: CauseReason) -> None:
    """What may pass by itself says nothing of a revoked grant: state, cause and next action stay."""
    link = make_link(FAILED)
    decision = check(link, reason)
    assert (decision.link.state, decision.link.cause) == (FAILED, link.cause)
    assert (decision.link.next_action, decision.link.authorized) == (NextAction.RECONNECT, False)
    assert decision.notability is Notability.QUIET


@pytest.mark.parametrize("reason", [OUTAGE, NO_NETWORK])
def test_a_revoked_link_stays_revoked_through_an_outage(reason: CauseReason) -> None:
    """However long an outage lasts, a link whose grant is void goes on asking for a new consent."""
    link = run_of([(0, CauseReason.SESSION_POLICY), *((at, reason) for at in range(60, 240, 30))]).link
    assert (link.state, link.cause) == (FAILED, make_cause(CauseReason.SESSION_POLICY, NOW))
    assert (link.authorized, link.next_action) == (False, NextAction.RECONNECT)


def test_a_failed_link_is_degraded_by_a_success_with_a_lesser_fault() -> None:
    """Busy time can be read again, though the add calendar cannot be written: that is DEGRADED, not FAILED."""
    link = make_link(FAILED, consecutive_failures=4, failing_since=EARLIER)
    decision = check(link, Finding(CauseReason.CALENDAR_READ_ONLY, "work"))
    assert decision.link.state is DEGRADED
    assert decision.link.cause == make_cause(CauseReason.CALENDAR_READ_ONLY, NOW, "work")
    assert (decision.link.consecutive_failures, decision.link.failing_since) == (0, None)


def test_another_failure_replaces_the_cause_of_a_failed_link() -> None:
    """A FAILED link names what is wrong with it now."""
    decision = check(make_link(FAILED), CauseReason.ADMIN_BLOCKED)
    assert decision.link.cause == make_cause(CauseReason.ADMIN_BLOCKED, NOW)
    assert decision.notability is Notability.UPDATED
