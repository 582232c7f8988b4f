"""What a check's findings say of a link: the gravest of them becomes one trigger, and a cause that goes with it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, Severity, severity_of
from calguard_server.domain.link_state import CalendarLink, LinkState, LinkTrigger
from calguard_server.domain.provider_incident import STRICT, Leniency
from calguard_server.domain.scopes import missing_capabilities


class LinkPolicy(Struct, frozen=True):
    """When what may pass by itself fails a link. `quota_grace`: how long an exhausted quota changes nothing."""

    failure_threshold: int = 3
    failure_after: timedelta = timedelta(minutes=10)
    quota_grace: timedelta = timedelta(hours=1)


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
    PROVIDER_INCIDENT = "PROVIDER_INCIDENT"
    STILL_FAILED = "STILL_FAILED"
    OPERATOR_SIDE = "OPERATOR_SIDE"
    QUOTA_GRACE_OVER = "QUOTA_GRACE_OVER"
    DISCONNECTED = "DISCONNECTED"
    STALE_SIGNAL = "STALE_SIGNAL"


class Verdict(Struct, frozen=True):
    """What findings amount to; without a trigger the state stays. `counts`: it is one of the failures in a row."""

    trigger: LinkTrigger | None
    reason: LinkReason
    finding: Finding | None = None
    counts: bool = False


def findings_of_the_grant(link: CalendarLink) -> tuple[Finding, ...]:
    """What can be found without asking anybody: permissions that were not given, and nothing selected."""
    if not link.has_grant:
        return (Finding(CauseReason.AUTHORIZATION_INCOMPLETE),)
    lacking = tuple(
        Finding(CauseReason.SCOPE_MISSING, capability=capability)
        for capability in missing_capabilities(link.granted_scopes)
    )
    return lacking if link.in_use else (*lacking, Finding(CauseReason.SELECTION_MISSING))


def judge(
    link: CalendarLink,
    findings: tuple[Finding, ...],
    confirmed: bool,  # noqa: FBT001 - private, and named at each call's signal
    now: datetime,
    policy: LinkPolicy,
    leniency: Leniency = STRICT,
) -> Verdict:
    """Let the gravest finding decide, but those that a provider's incident holds only where no other fails the link."""
    own = tuple(finding for finding in findings if not leniency.holds(finding))
    verdict = _judge_strictly(link, own, confirmed, now, policy, leniency)
    if len(own) == len(findings) or verdict.trigger is LinkTrigger.FAIL:
        return verdict
    held = next(finding for finding in findings if leniency.holds(finding))
    shown = held if severity_of(held) is Severity.TRANSIENT else Finding(CauseReason.PROVIDER_UNAVAILABLE)
    return Verdict(LinkTrigger.HOLD, LinkReason.PROVIDER_INCIDENT, shown, counts=True)


def _judge_strictly(
    link: CalendarLink,
    findings: tuple[Finding, ...],
    confirmed: bool,  # noqa: FBT001 - private, and named at each call's signal
    now: datetime,
    policy: LinkPolicy,
    leniency: Leniency,
) -> Verdict:
    """Let the gravest finding decide; among equally grave ones the first, but RATE_LIMITED last: it never fails."""
    by_severity: dict[Severity, Finding] = {}
    for finding in sorted(findings, key=lambda each: each.reason is CauseReason.RATE_LIMITED):
        by_severity.setdefault(severity_of(finding), finding)
    if found := by_severity.get(Severity.FAIL):
        return Verdict(LinkTrigger.FAIL, LinkReason.FAILED_AT_ONCE, found, counts=True)
    if found := by_severity.get(Severity.CONFIRM):
        if confirmed or link.state is LinkState.FAILED:
            return Verdict(LinkTrigger.FAIL, LinkReason.CONFIRMED, found, counts=True)
        return Verdict(LinkTrigger.HOLD, LinkReason.UNCONFIRMED, found, counts=True)
    if found := by_severity.get(Severity.TRANSIENT):
        return _judge_transient(link, found, now, policy, leniency)
    lesser = by_severity.get(Severity.DEGRADE)
    if found := by_severity.get(Severity.OPERATOR):
        return _judge_operator_side(link, found, lesser, now, policy)
    if lesser:
        return Verdict(LinkTrigger.DEGRADE, LinkReason.LESSER_FAULT, lesser)
    return Verdict(LinkTrigger.PASS, LinkReason.HEALTHY)


def _judge_transient(
    link: CalendarLink, finding: Finding, now: datetime, policy: LinkPolicy, leniency: Leniency
) -> Verdict:
    if finding.reason is CauseReason.RATE_LIMITED:
        return Verdict(LinkTrigger.HOLD, LinkReason.RATE_LIMITED, finding)
    if link.state is LinkState.FAILED:
        return Verdict(LinkTrigger.HOLD, LinkReason.STILL_FAILED, finding, counts=True)
    often = link.consecutive_failures + 1 >= policy.failure_threshold
    since = leniency.since(finding.reason, link.failing_since or now)
    if often and now - since >= policy.failure_after:
        return Verdict(LinkTrigger.FAIL, LinkReason.THRESHOLD_PASSED, finding, counts=True)
    return Verdict(LinkTrigger.HOLD, LinkReason.BELOW_THRESHOLD, finding, counts=True)


def _judge_operator_side(
    link: CalendarLink, finding: Finding, lesser: Finding | None, now: datetime, policy: LinkPolicy
) -> Verdict:
    """Leave the state alone; but a lesser fault of the link's own shows, else in time an exhausted quota does."""
    if lesser is not None and link.state is not LinkState.FAILED:
        return Verdict(LinkTrigger.HOLD, LinkReason.LESSER_FAULT, lesser)
    lasted = now - (link.quota_exhausted_since or now) >= policy.quota_grace
    if finding.reason is CauseReason.QUOTA_EXHAUSTED and lasted:
        return Verdict(LinkTrigger.HOLD, LinkReason.QUOTA_GRACE_OVER, finding)
    return Verdict(None, LinkReason.OPERATOR_SIDE, finding)


def counts_after(
    subject: CalendarLink, verdict: Verdict, findings: tuple[Finding, ...], now: datetime
) -> dict[str, Any]:
    """Count a failure, or begin anew after a success; what does not count leaves the count as it is."""
    exhausted = any(finding.reason is CauseReason.QUOTA_EXHAUSTED for finding in findings)
    quota_since = (subject.quota_exhausted_since or now) if exhausted else None
    count, since = subject.consecutive_failures, subject.failing_since
    if verdict.trigger in (LinkTrigger.PASS, LinkTrigger.DEGRADE):
        count, since = 0, None
    elif verdict.counts:
        count, since = count + 1, since or now
    return {"consecutive_failures": count, "failing_since": since, "quota_exhausted_since": quota_since}


def cause_after(subject: CalendarLink, verdict: Verdict, known: Cause | None, now: datetime) -> Cause | None:
    """Name the cause that goes with a verdict; a FAILED link that meets something transient keeps its own."""
    if verdict.trigger is None:
        return _cause_without_move(subject, verdict, known, now)
    held = verdict.trigger is LinkTrigger.HOLD and subject.state is LinkState.FAILED
    if held and subject.cause is not None and not _is_outdated(subject.cause, subject):
        return subject.cause
    return _cause_of(verdict.finding, known, now)


def _cause_without_move(subject: CalendarLink, verdict: Verdict, known: Cause | None, now: datetime) -> Cause | None:
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
    return None if finding is None else cause_of(finding, known, now)


def cause_of(finding: Finding, known: Cause | None, now: datetime) -> Cause:
    """Name the cause; it keeps its `since` where the link had the same one before."""
    fresh = Cause(finding.reason, now, finding.calendar_id, finding.capability)
    if known is not None and replace(known, since=now) == fresh:
        return known
    return fresh


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
