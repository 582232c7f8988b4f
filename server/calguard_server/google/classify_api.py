"""Judging what the Calendar API refuses: the reasons are in the body, and the status alone says little."""

from calguard_server.domain.causes import Capability, CauseReason, Finding
from calguard_server.google.answers import DONE, Answer, Call, Endpoint, Outcome, Verdict
from calguard_server.google.bodies import error_reasons, is_html, object_in

REASONS: dict[str, CauseReason] = {
    "accessNotConfigured": CauseReason.APP_MISCONFIGURED,
    "SERVICE_DISABLED": CauseReason.APP_MISCONFIGURED,
    "quotaExceeded": CauseReason.QUOTA_EXHAUSTED,
    "dailyLimitExceeded": CauseReason.QUOTA_EXHAUSTED,
    "rateLimitExceeded": CauseReason.RATE_LIMITED,
    "userRateLimitExceeded": CauseReason.RATE_LIMITED,
    "RATE_LIMIT_EXCEEDED": CauseReason.RATE_LIMITED,
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": CauseReason.SCOPE_MISSING,
    "insufficientPermissions": CauseReason.SCOPE_MISSING,
    "notACalendarUser": CauseReason.CALENDAR_SERVICE_OFF,
    "requiredAccessLevel": CauseReason.CALENDAR_READ_ONLY,
    "forbidden": CauseReason.ACCESS_FORBIDDEN,
}
"""What a 403 names; where it names several, the earlier row counts, so that what is ours to mend blames nobody."""

SPLIT_REASONS = frozenset({"tooManyCalendarsRequested", "groupTooBig"})
RESYNC_REASONS = frozenset({"fullSyncRequired", "updatedMinTooLongAgo"})

SUCCESSES: dict[tuple[Endpoint, int], tuple[str, Verdict]] = {
    (Endpoint.INSERT_EVENT, 409): ("duplicate", Verdict(Outcome.ID_TAKEN)),
    (Endpoint.DELETE_EVENT, 410): ("deleted", DONE),
}
"""What is refused because it was done before, or may have been; by the reason that is named."""

SCOPE_OF: dict[Endpoint, Capability] = {
    Endpoint.LIST_CALENDARS: Capability.LIST,
    Endpoint.GET_CALENDAR: Capability.LIST,
    Endpoint.FREE_BUSY: Capability.CHECK,
    Endpoint.LIST_EVENTS: Capability.ADD,
    Endpoint.GET_EVENT: Capability.ADD,
    Endpoint.INSERT_EVENT: Capability.ADD,
    Endpoint.DELETE_EVENT: Capability.ADD,
}
"""The capability whose scopes permit a call. Events are read and written with `calendar.events`."""

ABOUT_ONE_CALENDAR = frozenset(
    {
        CauseReason.CALENDAR_NOT_VISIBLE,
        CauseReason.ADD_CALENDAR_NOT_VISIBLE,
        CauseReason.CALENDAR_READ_ONLY,
        CauseReason.ACCESS_FORBIDDEN,
    }
)


def classify_api_refusal(call: Call, answer: Answer, content: object) -> Verdict:
    """Judge an answer of 3xx or 4xx; `content` is its JSON, where it is JSON."""
    reasons = error_reasons(content)
    if reasons & SPLIT_REASONS:
        return Verdict(Outcome.SPLIT)
    named, meant = SUCCESSES.get((call.endpoint, answer.status), ("", DONE))
    if named in reasons:
        return meant
    match answer.status:
        case 401:
            return Verdict(Outcome.RENEW_TOKEN)
        case 410 if reasons & RESYNC_REASONS:
            return Verdict(Outcome.RESYNC)
        case 403 if not is_html(answer, content):
            return Verdict(Outcome.FAULT, (_finding(call, reason_of_403(call, reasons)),))
        case 404 if len(call.calendar_ids) == 1 and object_in(content, "error") is not None:
            return Verdict(Outcome.FAULT, (_finding(call, not_visible(call)),))
        case _:
            return Verdict(Outcome.FAULT, (Finding(CauseReason.PROVIDER_UNAVAILABLE),))


def reason_of_403(call: Call, reasons: frozenset[str]) -> CauseReason:
    """Answer what a 403 means; one that names nothing known is ACCESS_FORBIDDEN."""
    found = next((meant for name, meant in REASONS.items() if name in reasons), CauseReason.ACCESS_FORBIDDEN)
    if found is CauseReason.CALENDAR_READ_ONLY and call.purpose is not Capability.ADD:
        return CauseReason.ACCESS_FORBIDDEN
    return found


def not_visible(call: Call) -> CauseReason:
    """Answer which of a link's calendars is not visible: one that is checked, or the one to add to."""
    if call.purpose is Capability.ADD:
        return CauseReason.ADD_CALENDAR_NOT_VISIBLE
    return CauseReason.CALENDAR_NOT_VISIBLE


def _finding(call: Call, reason: CauseReason) -> Finding:
    if reason is CauseReason.SCOPE_MISSING:
        return Finding(reason, capability=SCOPE_OF[call.endpoint])
    named = reason in ABOUT_ONE_CALENDAR and len(call.calendar_ids) == 1
    return Finding(reason, call.calendar_ids[0] if named else "")
