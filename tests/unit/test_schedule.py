"""When a link is checked next."""

import itertools
from collections import Counter
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
    """A LINKED link is checked once an interval, and so is one with a fault that nobody expects to pass by itself."""
    for state in (LinkState.LINKED, LinkState.DEGRADED):
        assert gaps(state) == [minutes(10)] * 5
    assert gaps(policy=SchedulePolicy(check_interval=minutes(3))) == [minutes(3)] * 5


def gaps(state: LinkState = LinkState.LINKED, policy: SchedulePolicy = POLICY, **changes: object) -> list[timedelta]:
    """Say how long it is from each check to the next, once the link's own instant is found, though checks run late."""
    times = [NOW]
    for late in range(7):
        link, now = make_link(state, **changes), times[-1] + seconds(3 * late)
        due = next_check_time(link, (), now, policy, MIDDLE)
        assert due is not None
        times.append(due)
    return [after - before for before, after in itertools.pairwise(times[2:])]


def test_links_are_spread_evenly_whenever_they_were_checked() -> None:
    """A thousand links checked at one instant fall due all over the interval, none later than a tenth past it."""
    due = [next_check_time(make_link(id=f"link-{n}"), (), NOW, POLICY, MIDDLE) for n in range(1000)]
    waits = [each - NOW for each in due if each is not None]
    assert minutes(1) <= min(waits)
    assert max(waits) < minutes(11)
    a_minute = Counter(each // minutes(1) for each in waits)
    assert set(a_minute) == set(range(1, 11))
    assert max(a_minute.values()) < 2 * min(a_minute.values())


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
    failed = gaps(LinkState.FAILED, cause=cause, consecutive_failures=3, failing_since=EARLIER)
    assert failed == [minutes(expected)] * 5


@pytest.mark.parametrize(("chance", "expected"), [(0.0, 54), (0.25, 57), (0.5, 60), (0.75, 63), (1.0, 66)])
def test_jitter_spreads_to_either_side(chance: float, expected: int) -> None:
    """The chance moves a repeated check by up to a tenth of its wait, earlier or later."""
    waited = wait(LinkState.DEGRADED, chance=chance, consecutive_failures=3, failing_since=NOW)
    assert waited == seconds(expected)


def test_jitter_is_a_setting() -> None:
    """Without jitter the chance is of no account."""
    without = replace(POLICY, jitter=0.0)
    assert wait(LinkState.DEGRADED, chance=0.0, policy=without, consecutive_failures=1, failing_since=NOW) == seconds(
        15
    )
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
    assert wait(LinkState.LINKED, findings) == wait(LinkState.LINKED)


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
    assert checks in (6, 7)  # the first one may come early: the link's own instant is sought


@pytest.mark.parametrize("reason", ["RATE_LIMITED", "QUOTA_EXHAUSTED", "APP_MISCONFIGURED"])
def test_what_asking_soon_makes_no_better_is_not_asked_soon(reason: str) -> None:
    """After a counted failure a run of these is checked as seldom as a healthy link, not every 15 seconds."""
    link = make_link(LinkState.DEGRADED, consecutive_failures=1, failing_since=NOW)
    due = next_check_time(link, (Finding(CauseReason(reason)),), NOW, SchedulePolicy(), 0.5)
    assert due == next_check_time(make_link(), (), NOW, SchedulePolicy(), 0.5)
