"""Links that meet something: one signal, one check, or a run of checks one after the other."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link import LinkDecision, LinkSignal, decide_link
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.link_verdict import LinkPolicy
from calguard_server.domain.scopes import REQUESTED_SCOPES
from tests.unit.builders import NOW, checked, make_link, minutes

LINKED, DEGRADED, FAILED, STOPPED = LinkState.LINKED, LinkState.DEGRADED, LinkState.FAILED, LinkState.STOPPED
OUTAGE, NO_NETWORK = CauseReason.PROVIDER_UNAVAILABLE, CauseReason.NETWORK_ERROR
POLICY = LinkPolicy()

WITHOUT_ADDING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendar.events"))
WITHOUT_CHECKING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendar.freebusy"))
WITHOUT_LISTING = tuple(scope for scope in REQUESTED_SCOPES if not scope.endswith("calendarlist.readonly"))


def decide(link: CalendarLink, signal: LinkSignal, now: datetime = NOW, policy: LinkPolicy = POLICY) -> LinkDecision:
    return decide_link(link, signal, now, policy)


def check(link: CalendarLink, *findings: Finding | CauseReason, at: timedelta = timedelta()) -> LinkDecision:
    """Decide the outcome of a check that ended `at` after NOW."""
    return decide(link, checked(link, *findings), NOW + at)


def run_of(steps: Sequence[tuple[float, CauseReason | None]], policy: LinkPolicy = POLICY) -> LinkDecision:
    """Let checks end one after the other, each so many minutes after NOW; None finds nothing."""
    link = make_link()
    for at, reason in steps:
        decision = decide(link, checked(link, *([reason] if reason else [])), NOW + minutes(at), policy)
        link = decision.link
    return decision
