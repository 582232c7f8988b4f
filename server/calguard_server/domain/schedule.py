"""When a link is checked next."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.backoff import doubled
from calguard_server.domain.causes import RULES, CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink, LinkState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_SOON = frozenset({CauseReason.RATE_LIMITED, CauseReason.QUOTA_EXHAUSTED, CauseReason.APP_MISCONFIGURED})
"""What asking again soon makes no better."""


class SchedulePolicy(Struct, frozen=True):
    """How often links are checked.

    `retry_interval` doubles with each failure in a row up to `retry_interval_max`, and `check_interval`.
    `void_grant_factor`: a link whose grant is void does not heal by itself, and is checked that many times less often
    than a healthy one.
    """

    check_interval: timedelta = timedelta(minutes=10)
    retry_interval: timedelta = timedelta(seconds=15)
    retry_interval_max: timedelta = timedelta(minutes=5)
    jitter: float = 0.1
    void_grant_factor: int = 6


def next_check_time(
    link: CalendarLink, findings: Sequence[Finding], now: datetime, policy: SchedulePolicy, chance: float
) -> datetime | None:
    """Tell when a link is next checked; None while it is STOPPED.

    A regular check is due at the link's own instant of the interval, so it is at most an interval and a tenth away.
    `chance` is a random number in [0, 1): it spreads the repeated checks of a failing link by the policy's jitter to
    either side. What the provider asked to wait is always waited.
    """
    interval = _interval(link, policy)
    if interval is None:
        return None
    if any(finding.reason in _NOT_SOON for finding in findings):
        interval = max(interval, policy.check_interval)
    asked = max((finding.retry_after or timedelta() for finding in findings), default=timedelta())
    if _backs_off(link) and interval < policy.check_interval:
        return now + max(interval * (1 + policy.jitter * (2 * chance - 1)), asked)
    return max(_at_its_phase(link.id, now, interval), now + asked)


def _at_its_phase(link_id: str, now: datetime, interval: timedelta) -> datetime:
    """Answer the link's own next instant of an interval, unless that is nearer than a tenth of it.

    Each link has one by its id, so that all links are spread evenly whenever they were made, checked or restarted.
    """
    phase = int.from_bytes(blake2b(link_id.encode(), digest_size=8).digest()) / 2**64
    earliest = now + interval / 10
    since_phase = (earliest - _EPOCH - interval * phase) % interval
    return earliest + (interval - since_phase if since_phase else since_phase)


def _backs_off(link: CalendarLink) -> bool:
    return link.state is not LinkState.FAILED and link.failing_since is not None


def _interval(link: CalendarLink, policy: SchedulePolicy) -> timedelta | None:
    match link.state:
        case LinkState.STOPPED:
            return None
        case LinkState.LINKED | LinkState.DEGRADED:
            return _backoff(link, policy) if _backs_off(link) else policy.check_interval
        case LinkState.FAILED:
            void = link.cause is not None and RULES[link.cause.reason].voids_grant
            return policy.check_interval * (policy.void_grant_factor if void else 1)
        case _:
            assert_never(link.state)


def _backoff(link: CalendarLink, policy: SchedulePolicy) -> timedelta:
    cap = min(policy.retry_interval_max, policy.check_interval)
    return doubled(policy.retry_interval, max(link.consecutive_failures - 1, 0), cap)
