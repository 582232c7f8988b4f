"""Why a link is not well: the reasons, how grave each is, and who mends it.

docs/failures.md tells the same for users. A `Finding` is what one check met; a `Cause` is what a link's state rests
on. The table `RULES` is the only place that ties a reason to its severity and its words.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct


class CauseReason(StrEnum):
    """The names are part of the contract."""

    AUTHORIZATION_REVOKED = "AUTHORIZATION_REVOKED"
    SESSION_POLICY = "SESSION_POLICY"
    ACCOUNT_UNAVAILABLE = "ACCOUNT_UNAVAILABLE"
    AUTHORIZATION_INCOMPLETE = "AUTHORIZATION_INCOMPLETE"
    ADMIN_BLOCKED = "ADMIN_BLOCKED"
    SCOPE_MISSING = "SCOPE_MISSING"
    CALENDAR_NOT_VISIBLE = "CALENDAR_NOT_VISIBLE"
    ADD_CALENDAR_NOT_VISIBLE = "ADD_CALENDAR_NOT_VISIBLE"
    CALENDAR_READ_ONLY = "CALENDAR_READ_ONLY"
    ACCESS_FORBIDDEN = "ACCESS_FORBIDDEN"
    SELECTION_MISSING = "SELECTION_MISSING"
    CALENDAR_SERVICE_OFF = "CALENDAR_SERVICE_OFF"
    RATE_LIMITED = "RATE_LIMITED"
    QUOTA_EXHAUSTED = "QUOTA_EXHAUSTED"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    NETWORK_ERROR = "NETWORK_ERROR"
    APP_MISCONFIGURED = "APP_MISCONFIGURED"


class Severity(StrEnum):
    """What a finding does to a link."""

    FAIL = "FAIL"  # fails it now
    CONFIRM = "CONFIRM"  # fails it when a second check, at once, says the same
    TRANSIENT = "TRANSIENT"  # degrades it; fails it when it lasts
    DEGRADE = "DEGRADE"  # degrades it, never fails it
    OPERATOR = "OPERATOR"  # alerts the operator and leaves the link's state alone


class Capability(StrEnum):
    """What a link is used for."""

    LIST = "LIST"
    CHECK = "CHECK"
    ADD = "ADD"


class NextAction(StrEnum):
    """What the person whose calendars these are should do."""

    NONE = "NONE"
    CONNECT = "CONNECT"
    RECONNECT = "RECONNECT"
    SELECT_CALENDARS = "SELECT_CALENDARS"
    WAIT = "WAIT"
    CONTACT_SUPPORT = "CONTACT_SUPPORT"


class Finding(Struct, frozen=True):
    """What one check met. `retry_after` is what the provider asked for, where it did."""

    reason: CauseReason
    calendar_id: str = ""
    capability: Capability | None = None
    retry_after: timedelta | None = None


class Cause(Struct, frozen=True):
    """Why a link is not LINKED; `since` is when an unbroken run of this reason began."""

    reason: CauseReason
    since: datetime
    calendar_id: str = ""
    capability: Capability | None = None

    @property
    def message(self) -> str:
        """One English sentence that claims no more than the provider's answer showed."""
        return RULES[self.reason].message

    @property
    def remedy(self) -> str:
        """Who mends it, and how; empty where nobody needs to do anything."""
        return RULES[self.reason].remedy

    @property
    def operator_side(self) -> bool:
        """Whether only the operator of this service can mend it."""
        return RULES[self.reason].severity is Severity.OPERATOR


class ReasonRule(Struct, frozen=True):
    """What a reason means. `voids_grant`: the person must consent again before anything works."""

    severity: Severity
    next_action: NextAction
    message: str
    remedy: str = ""
    voids_grant: bool = False


RULES: dict[CauseReason, ReasonRule] = {
    CauseReason.AUTHORIZATION_REVOKED: ReasonRule(
        Severity.CONFIRM,
        NextAction.RECONNECT,
        "Google no longer accepts the permission that was given; it does not say whether it was revoked or expired.",
        "Reconnect the calendar and tick every checkbox on Google's page. If it happens again, disconnect here, "
        "remove the access at Google, then connect.",
        voids_grant=True,
    ),
    CauseReason.SESSION_POLICY: ReasonRule(
        Severity.FAIL,
        NextAction.RECONNECT,
        "The organization's session policy at Google asks for a new sign-in.",
        "Reconnect the calendar. If it happens often, ask the Google Workspace administrator to trust this app.",
        voids_grant=True,
    ),
    CauseReason.ACCOUNT_UNAVAILABLE: ReasonRule(
        Severity.FAIL,
        NextAction.RECONNECT,
        "The Google account is no longer available.",
        "Restore the Google account, or link another one.",
        voids_grant=True,
    ),
    CauseReason.AUTHORIZATION_INCOMPLETE: ReasonRule(
        Severity.FAIL,
        NextAction.RECONNECT,
        "No usable permission from Google is stored for this calendar link.",
        "Reconnect the calendar and tick every checkbox on Google's page.",
        voids_grant=True,
    ),
    CauseReason.ADMIN_BLOCKED: ReasonRule(
        Severity.FAIL,
        NextAction.RECONNECT,
        "A Google Workspace administrator does not allow this app.",
        "Ask the Google Workspace administrator to allow the app, then reconnect.",
        voids_grant=True,
    ),
    CauseReason.SCOPE_MISSING: ReasonRule(
        Severity.FAIL,
        NextAction.RECONNECT,
        "A permission that is needed was not given on Google's page.",
        "Reconnect the calendar and tick EVERY checkbox on Google's page.",
    ),
    CauseReason.CALENDAR_NOT_VISIBLE: ReasonRule(
        Severity.CONFIRM,
        NextAction.SELECT_CALENDARS,
        "A calendar that is checked for appointments is no longer visible to the linked Google account.",
        "Share that calendar with the linked Google account again, or choose another calendar to check.",
    ),
    CauseReason.ADD_CALENDAR_NOT_VISIBLE: ReasonRule(
        Severity.DEGRADE,
        NextAction.SELECT_CALENDARS,
        "The calendar to add appointments to is no longer visible to the linked Google account.",
        "Choose another calendar to add appointments to.",
    ),
    CauseReason.CALENDAR_READ_ONLY: ReasonRule(
        Severity.DEGRADE,
        NextAction.SELECT_CALENDARS,
        "The linked Google account may not write to the calendar to add appointments to.",
        'Have its owner grant "Make changes to events", or choose another calendar to add appointments to.',
    ),
    CauseReason.ACCESS_FORBIDDEN: ReasonRule(
        Severity.TRANSIENT,
        NextAction.WAIT,
        "Google forbids access to the calendar and does not say why.",
        "Check how the calendar is shared with the linked Google account.",
    ),
    CauseReason.SELECTION_MISSING: ReasonRule(
        Severity.DEGRADE,
        NextAction.SELECT_CALENDARS,
        "Neither calendars to check nor a calendar to add appointments to are set.",
        "Set the calendars to check and the calendar to add appointments to.",
    ),
    CauseReason.CALENDAR_SERVICE_OFF: ReasonRule(
        Severity.FAIL,
        NextAction.CONTACT_SUPPORT,
        "Google Calendar is switched off for the Google account.",
        "Turn Google Calendar on for that account, or ask the Google Workspace administrator to.",
    ),
    CauseReason.RATE_LIMITED: ReasonRule(
        Severity.TRANSIENT, NextAction.WAIT, "Google asks for fewer requests for a while."
    ),
    CauseReason.QUOTA_EXHAUSTED: ReasonRule(
        Severity.OPERATOR,
        NextAction.WAIT,
        "This service's quota at Google is used up.",
        "The operator of this service has been alerted.",
    ),
    CauseReason.PROVIDER_UNAVAILABLE: ReasonRule(
        Severity.TRANSIENT, NextAction.WAIT, "Google Calendar answers with an error of its own."
    ),
    CauseReason.NETWORK_ERROR: ReasonRule(Severity.TRANSIENT, NextAction.WAIT, "Google Calendar could not be reached."),
    CauseReason.APP_MISCONFIGURED: ReasonRule(
        Severity.OPERATOR,
        NextAction.WAIT,
        "This service is not set up correctly at Google.",
        "The operator of this service has been alerted.",
    ),
}


def severity_of(finding: Finding) -> Severity:
    """Tell how grave a finding is: what concerns adding only, for lack of permission or for now, never fails a link."""
    severity = RULES[finding.reason].severity
    concerns_busy_time = finding.capability is not Capability.ADD
    if concerns_busy_time or (severity is not Severity.TRANSIENT and finding.reason is not CauseReason.SCOPE_MISSING):
        return severity
    return Severity.DEGRADE
