"""The calendar link: its states, the table of its moves, and what a signal does to it.

1. A link's state is a function of evidence. No signal sets a state: each brings findings, `_judge` turns the gravest
   into one trigger, and the table says where that leads.
2. STOPPED means disconnected on purpose. Only a new authorization leads out of it.
3. What only the person can mend FAILs at once, after one confirming check where the reason says so. What may pass by
   itself degrades, and fails only past `failure_threshold` checks in a row AND `failure_after` since the first.
   RATE_LIMITED never fails a link and does not count as a failure.
4. FAILED ends only by evidence that busy time can be read: a full success leads to LINKED, a success with a lesser
   fault to DEGRADED. Something transient leaves it FAILED.
5. What is the operator's to mend changes nothing, but for an exhausted quota that lasts: it degrades.
6. A signal that rests on older evidence than the link's is dropped: `evidence` counts what the link rests on.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

from calguard_server.domain.causes import (
    RULES,
    Capability,
    Cause,
    CauseReason,
    Finding,
    NextAction,
    Severity,
    severity_of,
)
from calguard_server.domain.errors import FailedPreconditionError
from calguard_server.domain.events import Notability
from calguard_server.domain.machine import Move, TransitionTable
from calguard_server.domain.scopes import missing_capabilities


class LinkState(StrEnum):
    """The names are part of the contract."""

    LINKED = "LINKED"
    DEGRADED = "DEGRADED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


class LinkTrigger(StrEnum):
    """What moves a link."""

    PASS = "PASS"  # noqa: S105 - a check found everything in order
    DEGRADE = "DEGRADE"  # a check found a fault that does not concern busy time
    HOLD = "HOLD"  # a check found a fault that may pass by itself
    FAIL = "FAIL"  # a check found a fault that does not pass by itself, or one that lasted
    CONNECT = "CONNECT"  # the person gave consent
    DISCONNECT = "DISCONNECT"  # the person ended the link


_L, _D, _F, _S = (state.value for state in LinkState)

LINK_TABLE = TransitionTable(
    "calendar link",
    [state.value for state in LinkState],
    _S,
    [
        (LinkTrigger.PASS, _L, _L),
        (LinkTrigger.PASS, _D, _L),
        (LinkTrigger.PASS, _F, _L),
        (LinkTrigger.DEGRADE, _L, _D),
        (LinkTrigger.DEGRADE, _D, _D),
        (LinkTrigger.DEGRADE, _F, _D),
        (LinkTrigger.HOLD, _L, _D),
        (LinkTrigger.HOLD, _D, _D),
        (LinkTrigger.HOLD, _F, _F),
        (LinkTrigger.FAIL, _L, _F),
        (LinkTrigger.FAIL, _D, _F),
        (LinkTrigger.FAIL, _F, _F),
        (LinkTrigger.CONNECT, _L, _L),
        (LinkTrigger.CONNECT, _D, _D),
        (LinkTrigger.CONNECT, _F, _F),
        (LinkTrigger.CONNECT, _S, _D),
        (LinkTrigger.DISCONNECT, _L, _S),
        (LinkTrigger.DISCONNECT, _D, _S),
        (LinkTrigger.DISCONNECT, _F, _S),
    ],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarLink:
    """One Google account that an account has connected.

    `evidence` grows with every change that is told, so that a signal which began before one is found stale.
    `failing_since` is when the first of the `consecutive_failures` was met, `quota_exhausted_since` when an unbroken
    run of QUOTA_EXHAUSTED began. These three, `last_check_time` and `next_check_time` change without an event.
    """

    id: str
    account_id: str
    provider_subject: str
    provider_email: str
    state: LinkState
    cause: Cause | None
    state_time: datetime
    has_grant: bool
    granted_scopes: tuple[str, ...]
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    last_check_time: datetime | None
    next_check_time: datetime | None
    consecutive_failures: int
    failing_since: datetime | None
    quota_exhausted_since: datetime | None
    evidence: int
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def authorized(self) -> bool:
        """Whether a grant is held that Google accepts and that permits listing and checking, as far as is known."""
        if self.state is not LinkState.FAILED or self.cause is None:
            return self.has_grant
        refused = RULES[self.cause.reason].voids_grant or self.cause.reason is CauseReason.SCOPE_MISSING
        return self.has_grant and not refused

    @property
    def next_action(self) -> NextAction:
        """What the person should do."""
        if self.state is LinkState.STOPPED:
            return NextAction.CONNECT
        return NextAction.NONE if self.cause is None else RULES[self.cause.reason].next_action

    @property
    def in_use(self) -> bool:
        """Whether any calendar is selected, so that the link's health concerns the pages."""
        return bool(self.check_calendar_ids or self.add_calendar_id)


@dataclass(frozen=True, slots=True)
class LinkPolicy:
    """When what may pass by itself fails a link. `quota_grace`: how long an exhausted quota changes nothing."""

    failure_threshold: int = 3
    failure_after: timedelta = timedelta(minutes=10)
    quota_grace: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Checked:
    """A check ended. `confirmed`: a second check, at once, met the same. `evidence`: the link's when it began."""

    findings: tuple[Finding, ...]
    evidence: int
    confirmed: bool = False
    granted_scopes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Authorized:
    """The person gave consent; the new grant was checked with the selection given here."""

    provider_subject: str
    provider_email: str
    granted_scopes: tuple[str, ...]
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    findings: tuple[Finding, ...]
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Selected:
    """Calendars were selected, and checked. `evidence`: the link's when that began."""

    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str
    findings: tuple[Finding, ...]
    evidence: int
    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The person ended the link on purpose."""


LinkSignal = Checked | Authorized | Selected | Disconnected


class LinkReason(StrEnum):
    """Why a decision was made."""

    HEALTHY = "HEALTHY"
    LESSER_FAULT = "LESSER_FAULT"
    BELOW_THRESHOLD = "BELOW_THRESHOLD"
    THRESHOLD_PASSED = "THRESHOLD_PASSED"
    FAILED_AT_ONCE = "FAILED_AT_ONCE"
    CONFIRMED = "CONFIRMED"
    UNCONFIRMED = "UNCONFIRMED"
    RATE_LIMITED = "RATE_LIMITED"
    STILL_FAILED = "STILL_FAILED"
    OPERATOR_SIDE = "OPERATOR_SIDE"
    QUOTA_GRACE_OVER = "QUOTA_GRACE_OVER"
    DISCONNECTED = "DISCONNECTED"
    STALE_SIGNAL = "STALE_SIGNAL"


@dataclass(frozen=True, slots=True)
class LinkDecision:
    """What a signal does: the link as it stands after it, why, and whether anybody needs to hear of it.

    `move` is None where the signal leaves the machine alone. `operator_findings` are the operator's to mend.
    """

    link: CalendarLink
    reason: LinkReason
    notability: Notability
    move: Move | None = None
    operator_findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _Verdict:
    trigger: LinkTrigger | None
    reason: LinkReason
    finding: Finding | None = None
    counts: bool = False


def decide_link(link: CalendarLink, signal: LinkSignal, now: datetime, policy: LinkPolicy) -> LinkDecision:
    """Decide what a signal does to a link.

    Raises IllegalTransitionError for disconnecting a link that is STOPPED, and FailedPreconditionError
    `CALENDAR_LINK_STOPPED` for selecting calendars on one.
    """
    match signal:
        case Checked():
            return _decide_checked(link, signal, now, policy)
        case Selected():
            return _decide_selected(link, signal, now, policy)
        case Authorized():
            return _decide_authorized(link, signal, now, policy)
        case Disconnected():
            return _decide_disconnected(link, now)
        case _:
            assert_never(signal)


def _decide_checked(link: CalendarLink, signal: Checked, now: datetime, policy: LinkPolicy) -> LinkDecision:
    if signal.evidence != link.evidence or link.state is LinkState.STOPPED:
        return LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)
    scopes = link.granted_scopes if signal.granted_scopes is None else signal.granted_scopes
    subject = replace(link, granted_scopes=scopes, last_check_time=now)
    return _decide_evidence(link, subject, signal.findings, signal.confirmed, now, policy)


def _decide_selected(link: CalendarLink, signal: Selected, now: datetime, policy: LinkPolicy) -> LinkDecision:
    if link.state is LinkState.STOPPED:
        raise FailedPreconditionError(
            "CALENDAR_LINK_STOPPED", f"calendar link {link.id} is disconnected: connect it first"
        )
    if signal.evidence != link.evidence:
        return LinkDecision(link, LinkReason.STALE_SIGNAL, Notability.NONE)
    subject = replace(
        link,
        check_calendar_ids=signal.check_calendar_ids,
        add_calendar_id=signal.add_calendar_id,
        last_check_time=now,
    )
    return _decide_evidence(link, subject, signal.findings, signal.confirmed, now, policy)


def _decide_authorized(link: CalendarLink, signal: Authorized, now: datetime, policy: LinkPolicy) -> LinkDecision:
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
    decision = _decide_evidence(link, subject, signal.findings, signal.confirmed, now, policy)
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
    policy: LinkPolicy,
) -> LinkDecision:
    """Turn findings into a verdict, make its move, and tell what of it is worth an event."""
    verdict = _judge(subject, (*findings, *_findings_of_the_grant(subject)), confirmed, now, policy)
    move = None if verdict.trigger is None else LINK_TABLE.move(subject.state, verdict.trigger)
    decided = replace(
        subject,
        state=subject.state if move is None else LinkState(move.dest),
        cause=_next_cause(subject, verdict, before.cause, now),
        **_counts(subject, verdict, now),
    )
    notability = _notability(before, decided)
    operator = tuple(finding for finding in findings if severity_of(finding) is Severity.OPERATOR)
    return LinkDecision(_stamp(before, decided, notability, now), verdict.reason, notability, move, operator)


def _findings_of_the_grant(link: CalendarLink) -> tuple[Finding, ...]:
    """What can be found without asking anybody: permissions that were not given, and nothing selected."""
    if not link.has_grant:
        return (Finding(CauseReason.AUTHORIZATION_INCOMPLETE),)
    lacking = tuple(
        Finding(CauseReason.SCOPE_MISSING, capability=capability)
        for capability in missing_capabilities(link.granted_scopes)
    )
    return lacking if link.in_use else (*lacking, Finding(CauseReason.SELECTION_MISSING))


def _judge(
    link: CalendarLink,
    findings: tuple[Finding, ...],
    confirmed: bool,  # noqa: FBT001 - private, and named at each call's signal
    now: datetime,
    policy: LinkPolicy,
) -> _Verdict:
    """Let the gravest finding decide; among equally grave ones the first, but RATE_LIMITED last: it never fails."""
    by_severity: dict[Severity, Finding] = {}
    for finding in sorted(findings, key=lambda each: each.reason is CauseReason.RATE_LIMITED):
        by_severity.setdefault(severity_of(finding), finding)
    if found := by_severity.get(Severity.FAIL):
        return _Verdict(LinkTrigger.FAIL, LinkReason.FAILED_AT_ONCE, found, counts=True)
    if found := by_severity.get(Severity.CONFIRM):
        if confirmed or link.state is LinkState.FAILED:
            return _Verdict(LinkTrigger.FAIL, LinkReason.CONFIRMED, found, counts=True)
        return _Verdict(LinkTrigger.HOLD, LinkReason.UNCONFIRMED, found, counts=True)
    if found := by_severity.get(Severity.TRANSIENT):
        return _judge_transient(link, found, now, policy)
    lesser = by_severity.get(Severity.DEGRADE)
    if found := by_severity.get(Severity.OPERATOR):
        return _judge_operator_side(link, found, lesser, now, policy)
    if lesser:
        return _Verdict(LinkTrigger.DEGRADE, LinkReason.LESSER_FAULT, lesser)
    return _Verdict(LinkTrigger.PASS, LinkReason.HEALTHY)


def _judge_transient(link: CalendarLink, finding: Finding, now: datetime, policy: LinkPolicy) -> _Verdict:
    if finding.reason is CauseReason.RATE_LIMITED:
        return _Verdict(LinkTrigger.HOLD, LinkReason.RATE_LIMITED, finding)
    if link.state is LinkState.FAILED:
        return _Verdict(LinkTrigger.HOLD, LinkReason.STILL_FAILED, finding, counts=True)
    often = link.consecutive_failures + 1 >= policy.failure_threshold
    if often and now - (link.failing_since or now) >= policy.failure_after:
        return _Verdict(LinkTrigger.FAIL, LinkReason.THRESHOLD_PASSED, finding, counts=True)
    return _Verdict(LinkTrigger.HOLD, LinkReason.BELOW_THRESHOLD, finding, counts=True)


def _judge_operator_side(
    link: CalendarLink, finding: Finding, lesser: Finding | None, now: datetime, policy: LinkPolicy
) -> _Verdict:
    """Leave the state alone; but a lesser fault of the link's own shows, and in time an exhausted quota does."""
    lasted = now - (link.quota_exhausted_since or now) >= policy.quota_grace
    if finding.reason is CauseReason.QUOTA_EXHAUSTED and lasted:
        return _Verdict(LinkTrigger.HOLD, LinkReason.QUOTA_GRACE_OVER, finding)
    if lesser is not None and link.state is not LinkState.FAILED:
        return _Verdict(LinkTrigger.HOLD, LinkReason.LESSER_FAULT, lesser)
    return _Verdict(None, LinkReason.OPERATOR_SIDE, finding)


def _counts(subject: CalendarLink, verdict: _Verdict, now: datetime) -> dict[str, Any]:
    """Count a failure, or begin anew after a success; what does not count leaves the count as it is."""
    exhausted = verdict.finding is not None and verdict.finding.reason is CauseReason.QUOTA_EXHAUSTED
    quota_since = (subject.quota_exhausted_since or now) if exhausted else None
    count, since = subject.consecutive_failures, subject.failing_since
    if verdict.trigger in (LinkTrigger.PASS, LinkTrigger.DEGRADE):
        count, since = 0, None
    elif verdict.counts:
        count, since = count + 1, since or now
    return {"consecutive_failures": count, "failing_since": since, "quota_exhausted_since": quota_since}


def _next_cause(subject: CalendarLink, verdict: _Verdict, known: Cause | None, now: datetime) -> Cause | None:
    """Name the cause that goes with a verdict; a FAILED link that meets something transient keeps its own."""
    if verdict.trigger is None:
        return _cause_without_move(subject, verdict, known, now)
    held = verdict.trigger is LinkTrigger.HOLD and subject.state is LinkState.FAILED
    if held and subject.cause is not None and not _is_outdated(subject.cause, subject):
        return subject.cause
    return _cause_of(verdict.finding, known, now)


def _cause_without_move(subject: CalendarLink, verdict: _Verdict, known: Cause | None, now: datetime) -> Cause | None:
    """Keep the cause, unless it is missing (the link was only just connected) or outdated."""
    cause = subject.cause
    missing = cause is None and subject.state is not LinkState.LINKED
    if missing or (cause is not None and _is_outdated(cause, subject)):
        return _cause_of(verdict.finding, known, now)
    return cause


def _is_outdated(cause: Cause, link: CalendarLink) -> bool:
    """Tell whether a new selection has mended a cause, or taken away what it was about."""
    if cause.reason is CauseReason.SELECTION_MISSING:
        return link.in_use
    return bool(cause.calendar_id) and cause.calendar_id not in (*link.check_calendar_ids, link.add_calendar_id)


def _cause_of(finding: Finding | None, known: Cause | None, now: datetime) -> Cause | None:
    """Name the cause; it keeps its `since` where the link had the same one before."""
    if finding is None:
        return None
    fresh = Cause(finding.reason, now, finding.calendar_id, finding.capability)
    if known is not None and replace(known, since=now) == fresh:
        return known
    return fresh


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


def needs_confirmation(link: CalendarLink, findings: tuple[Finding, ...]) -> bool:
    """Tell whether a second check is due before the findings can fail the link."""
    severities = {severity_of(finding) for finding in findings}
    return link.state is not LinkState.FAILED and Severity.CONFIRM in severities and Severity.FAIL not in severities


def confirms(first: tuple[Finding, ...], second: tuple[Finding, ...]) -> bool:
    """Tell whether a second check met one of the findings that were to be confirmed."""

    def doubtful(findings: tuple[Finding, ...]) -> set[tuple[CauseReason, str, Capability | None]]:
        return {
            (finding.reason, finding.calendar_id, finding.capability)
            for finding in findings
            if severity_of(finding) is Severity.CONFIRM
        }

    return bool(doubtful(first) & doubtful(second))
