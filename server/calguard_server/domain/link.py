"""The calendar link: what a signal does to it. States and moves are in link_state.py, judging in link_verdict.py.

1. A link's state is a function of evidence. No signal sets a state: each brings findings, `judge` turns the gravest
   into one trigger, and the table says where that leads.
2. STOPPED means disconnected on purpose. Only a new authorization leads out of it.
3. What only the person can mend FAILs at once, after one confirming check where the reason says so. What may pass by
   itself degrades, and fails only past `failure_threshold` checks in a row AND `failure_after` since the first.
   RATE_LIMITED never fails a link and does not count as a failure.
4. FAILED ends only by evidence that busy time can be read: a full success leads to LINKED, a success with a lesser
   fault to DEGRADED. Something transient leaves it FAILED.
5. What is the operator's to mend changes nothing, but for an exhausted quota that lasts: it degrades.
6. While the provider has an incident, findings of its kind hold a link DEGRADED and fail none.
7. A signal that rests on older evidence than the link's is dropped: `evidence` counts what the link rests on.
"""

from datetime import datetime
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import Finding, Severity, severity_of
from calguard_server.domain.errors import FailedPreconditionError
from calguard_server.domain.events import Notability
from calguard_server.domain.link_state import LINK_TABLE, CalendarLink, LinkState, LinkTrigger
from calguard_server.domain.link_verdict import (
    LinkPolicy,
    LinkReason,
    cause_after,
    counts_after,
    findings_of_the_grant,
    judge,
)
from calguard_server.domain.machine import Move
from calguard_server.domain.provider_incident import STRICT, Leniency


class Checked(Struct, frozen=True):
    """A check ended. `confirmed`: a second check, at once, met the same. `evidence`: the link's when it began."""

    findings: tuple[Finding, ...]
    evidence: int
    confirmed: bool = False
    granted_scopes: tuple[str, ...] | None = None


class Authorized(Struct, frozen=True):
    """The person gave consent; the new grant was checked with the selection given here."""

    provider_subject: str
    provider_email: str
    granted_scopes: tuple[str, ...]
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    findings: tuple[Finding, ...]
    confirmed: bool = False


class Selected(Struct, frozen=True):
    """Calendars were selected, and checked. `evidence`: the link's when that began."""

    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    findings: tuple[Finding, ...]
    evidence: int
    confirmed: bool = False


class Disconnected(Struct, frozen=True):
    """The person ended the link on purpose."""


LinkSignal = Checked | Authorized | Selected | Disconnected


class _Terms(Struct, frozen=True):
    """By which thresholds a link is judged, and what is excused."""

    policy: LinkPolicy
    leniency: Leniency


class LinkDecision(Struct, frozen=True):
    """What a signal does: the link as it stands after it, why, and whether anybody needs to hear of it.

    `move` is None where the signal leaves the machine alone. `operator_findings` are the operator's to mend.
    """

    link: CalendarLink
    reason: LinkReason
    notability: Notability
    move: Move | None = None
    operator_findings: tuple[Finding, ...] = ()


def require_connected(link: CalendarLink) -> None:
    """Raise FailedPreconditionError `CALENDAR_LINK_STOPPED` where a link was disconnected on purpose."""
    if link.state is LinkState.STOPPED:
        raise FailedPreconditionError(
            "CALENDAR_LINK_STOPPED", f"calendar link {link.id} is disconnected: connect it first"
        )


def decide_link(
    link: CalendarLink, signal: LinkSignal, now: datetime, policy: LinkPolicy, leniency: Leniency = STRICT
) -> LinkDecision:
    """Decide what a signal does to a link; `leniency` is what the provider's incidents excuse.

    Raises IllegalTransitionError for disconnecting a link that is STOPPED, and FailedPreconditionError
    `CALENDAR_LINK_STOPPED` for selecting calendars on one.
    """
    match signal:
        case Checked():
            return _decide_checked(link, signal, now, _Terms(policy, leniency))
        case Selected():
            return _decide_selected(link, signal, now, _Terms(policy, leniency))
        case Authorized():
            return _decide_authorized(link, signal, now, _Terms(policy, leniency))
        case Disconnected():
            return _decide_disconnected(link, now)
        case _:
            assert_never(signal)


def _decide_checked(link: CalendarLink, signal: Checked, now: datetime, terms: _Terms) -> LinkDecision:
    if signal.evidence != link.evidence or link.state is LinkState.STOPPED:
        return LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)
    scopes = link.granted_scopes if signal.granted_scopes is None else signal.granted_scopes
    subject = replace(link, granted_scopes=scopes, last_check_time=now)
    return _decide_evidence(link, subject, signal.findings, signal.confirmed, now, terms)


def _decide_selected(link: CalendarLink, signal: Selected, now: datetime, terms: _Terms) -> LinkDecision:
    require_connected(link)
    if signal.evidence != link.evidence:
        return LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)
    subject = replace(
        link,
        check_calendar_ids=signal.check_calendar_ids,
        add_calendar_id=signal.add_calendar_id,
        last_check_time=now,
    )
    return _decide_evidence(link, subject, signal.findings, signal.confirmed, now, terms)


def _decide_authorized(link: CalendarLink, signal: Authorized, now: datetime, terms: _Terms) -> LinkDecision:
    connected = LINK_TABLE.move(link.state, LinkTrigger.CONNECT)
    subject = replace(
        link,
        state=LinkState(connected.dest),
        cause=None,
        provider_subject=signal.provider_subject,
        provider_email=signal.provider_email,
        has_grant=True,
        granted_scopes=signal.granted_scopes,
        check_calendar_ids=signal.check_calendar_ids,
        add_calendar_id=signal.add_calendar_id,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        last_check_time=now,
    )
    decision = _decide_evidence(link, subject, signal.findings, signal.confirmed, now, terms)
    if not decision.notability.makes_event:  # the grant is another one: what rests on the old one is stale
        stamped = _stamp(link, decision.link, Notability.UPDATED, now)
        decision = replace(decision, link=stamped, notability=Notability.UPDATED)
    return replace(decision, move=decision.move or connected)


def _decide_disconnected(link: CalendarLink, now: datetime) -> LinkDecision:
    move = LINK_TABLE.move(link.state, LinkTrigger.DISCONNECT)
    stopped = replace(
        link,
        state=LinkState(move.dest),
        cause=None,
        state_time=now,
        has_grant=False,
        granted_scopes=(),
        next_check_time=None,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        evidence=link.evidence + 1,
        update_time=now,
    )
    return LinkDecision(stopped, LinkReason.DISCONNECTED, Notability.STATE_CHANGED, move)


def _decide_evidence(
    before: CalendarLink,
    subject: CalendarLink,
    findings: tuple[Finding, ...],
    confirmed: bool,  # noqa: FBT001 - private, and named at each call's signal
    now: datetime,
    terms: _Terms,
) -> LinkDecision:
    """Turn findings into a verdict, make its move, and tell what of it is worth an event."""
    verdict = judge(subject, (*findings, *findings_of_the_grant(subject)), confirmed, now, terms.policy, terms.leniency)
    move = None if verdict.trigger is None else LINK_TABLE.move(subject.state, verdict.trigger)
    decided = replace(
        subject,
        state=subject.state if move is None else LinkState(move.dest),
        cause=cause_after(subject, verdict, before.cause, now),
        **counts_after(subject, verdict, findings, now),
    )
    notability = _notability(before, decided)
    operator = tuple(finding for finding in findings if severity_of(finding) is Severity.OPERATOR)
    return LinkDecision(_stamp(before, decided, notability, now), verdict.reason, notability, move, operator)


def _notability(before: CalendarLink, after: CalendarLink) -> Notability:
    if before.state is not after.state:
        return Notability.STATE_CHANGED
    if _told(before) != _told(after):
        return Notability.UPDATED
    return Notability.QUIET if before != after else Notability.NONE


def _told(link: CalendarLink) -> tuple[object, ...]:
    """What a subscriber is told of, besides the state."""
    return (
        link.cause,
        link.provider_subject,
        link.provider_email,
        link.has_grant,
        link.granted_scopes,
        link.check_calendar_ids,
        link.add_calendar_id,
    )


def _stamp(before: CalendarLink, after: CalendarLink, notability: Notability, now: datetime) -> CalendarLink:
    if not notability.makes_event:
        return after
    return replace(
        after,
        evidence=before.evidence + 1,
        update_time=now,
        state_time=now if notability is Notability.STATE_CHANGED else before.state_time,
    )
