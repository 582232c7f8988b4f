"""When a link is checked next."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link import decide_link
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.schedule import SchedulePolicy, next_check_time
from tests.unit.builders import EARLIER, NOW, checked, make_cause, make_link, minutes, seconds

POLICY = SchedulePolicy()
MIDDLE = 0.5
"""The chance that moves a check to neither side."""


def wait(
    state: LinkState = LinkState.LINKED,
    findings: tuple[Finding, ...] = (),
    chance: float = MIDDLE,
    policy: SchedulePolicy = POLICY,
    **changes: object,
) -> timedelta | None:
    """Say how long a link waits for its next check."""
    when = next_check_time(make_link(state, **changes), findings, NOW, policy, chance)
    return None if when is None else when - NOW


def test_a_stopped_link_is_not_checked() -> None:
    """A link that was disconnected on purpose has no next check, whatever its last one found."""
    assert wait(LinkState.STOPPED) is None
    assert wait(LinkState.STOPPED, (Finding(CauseReason.RATE_LIMITED, retry_after=minutes(1)),)) is None


def test_a_healthy_link_is_checked_at_the_interval() -> None:
    """A LINKED link waits for the interval, and so does one with a fault that nobody expects to pass by itself."""
    assert wait(LinkState.LINKED) == minutes(10)
    assert wait(LinkState.DEGRADED) == minutes(10)
    assert wait(policy=SchedulePolicy(check_interval=minutes(3))) == minutes(3)


@pytest.mark.parametrize(
    ("failures", "expected"),
    [(1, 15), (2, 30), (3, 60), (4, 120), (5, 240), (6, 300), (7, 300), (16, 300), (17, 300), (10_000, 300)],
)
@pytest.mark.parametrize("state", [LinkState.LINKED, LinkState.DEGRADED])
def test_a_failing_link_is_tried_again_soon(state: LinkState, failures: int, expected: int) -> None:
    """From 15 s the wait doubles with each failure in a row, up to 5 minutes."""
    assert wait(state, consecutive_failures=failures, failing_since=EARLIER) == seconds(expected)


def test_the_retries_are_settings() -> None:
    """First wait and longest wait come from the policy."""
    policy = SchedulePolicy(retry_interval=seconds(2), retry_interval_max=seconds(7))
    waits = [wait(LinkState.DEGRADED, policy=policy, consecutive_failures=n, failing_since=NOW) for n in (1, 2, 3)]
    assert waits == [seconds(2), seconds(4), seconds(7)]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("AUTHORIZATION_REVOKED", 60),
        ("SESSION_POLICY", 60),
        ("ACCOUNT_UNAVAILABLE", 60),
        ("AUTHORIZATION_INCOMPLETE", 60),
        ("ADMIN_BLOCKED", 60),
        ("SCOPE_MISSING", 10),
        ("CALENDAR_NOT_VISIBLE", 10),
        ("CALENDAR_SERVICE_OFF", 10),
        ("PROVIDER_UNAVAILABLE", 10),
        ("NETWORK_ERROR", 10),
    ],
)
def test_a_failed_link_is_checked_without_haste(reason: str, expected: int) -> None:
    """A FAILED link waits for the interval, and six times that where only a new consent can mend it."""
    cause = make_cause(CauseReason(reason))
    assert wait(LinkState.FAILED, cause=cause, consecutive_failures=3, failing_since=EARLIER) == minutes(expected)


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 540), (0.25, 570), (0.5, 600), (0.75, 630), (1.0, 660)])
def test_jitter_spreads_to_either_side(chance: float, expected: int) -> None:
    """The chance moves a check by up to a tenth of its interval, earlier or later."""
    assert wait(chance=chance) == seconds(expected)


def test_jitter_is_a_setting() -> None:
    """Without jitter the chance is of no account; it is a share of the backoff too."""
    assert wait(chance=0.0, policy=replace(POLICY, jitter=0.0)) == minutes(10)
    assert wait(LinkState.DEGRADED, chance=0.0, consecutive_failures=1, failing_since=NOW) == seconds(13.5)


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
@pytest.mark.parametrize(
    ("asked", "expected_least"), [([120], 120), ([5, 120, 60], 120), ([900], 900), ([86_400], 86_400)]
)
def test_what_the_provider_asked_to_wait_is_waited(asked: list[int], expected_least: int, chance: float) -> None:
    """The longest of what was asked for is waited, never less, whatever the jitter."""
    findings = tuple(Finding(CauseReason.RATE_LIMITED, retry_after=seconds(each)) for each in asked)
    waited = wait(LinkState.DEGRADED, findings, chance, consecutive_failures=1, failing_since=NOW)
    assert waited is not None
    assert waited >= seconds(expected_least)


def test_a_short_wait_asked_for_hastens_nothing() -> None:
    """A Retry-After below our own wait does not bring the check forward."""
    findings = (Finding(CauseReason.RATE_LIMITED, retry_after=seconds(1)), Finding(CauseReason.NETWORK_ERROR))
    assert wait(LinkState.LINKED, findings) == minutes(10)


@pytest.mark.parametrize(
    "reason", [CauseReason.RATE_LIMITED, CauseReason.QUOTA_EXHAUSTED, CauseReason.APP_MISCONFIGURED]
)
def test_what_is_no_failure_does_not_hasten_the_checks(reason: CauseReason) -> None:
    """An hour in which Google asks a healthy link for fewer requests, or refuses ours, brings no more checks."""
    link, now, checks = make_link(), NOW, 0
    while now < NOW + timedelta(hours=1):
        link = decide_link(link, checked(link, reason), now, LinkPolicy()).link
        due = next_check_time(link, (Finding(reason),), now, POLICY, MIDDLE)
        assert due is not None
        now, checks = due, checks + 1
    assert checks == 6


@pytest.mark.parametrize("reason", ["RATE_LIMITED", "QUOTA_EXHAUSTED", "APP_MISCONFIGURED"])
def test_what_asking_soon_makes_no_better_is_not_asked_soon(reason: str) -> None:
    """After a counted failure a run of these is checked as seldom as a healthy link, not every 15 seconds."""
    link = make_link(LinkState.DEGRADED, consecutive_failures=1, failing_since=NOW)
    due = next_check_time(link, (Finding(CauseReason(reason)),), NOW, SchedulePolicy(), 0.5)
    assert due == NOW + SchedulePolicy().check_interval
