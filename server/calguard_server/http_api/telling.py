"""What the callback page tells of an attempt that was completed, or refused, and with which HTTP status."""

from collections.abc import Mapping

from calguard_server.domain import errors
from calguard_server.domain.causes import Capability, CauseReason, NextAction
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.scopes import missing_capabilities
from calguard_server.engine.revoking import Revocation
from calguard_server.http_api.outcome import Outcome, Told

_OUTCOME_OF_ACTION = {
    NextAction.NONE: Outcome.CONNECTED,
    NextAction.CONNECT: Outcome.RECONNECT,
    NextAction.RECONNECT: Outcome.RECONNECT,
    NextAction.SELECT_CALENDARS: Outcome.CHOOSE_CALENDARS,
    NextAction.WAIT: Outcome.WAIT,
    NextAction.CONTACT_SUPPORT: Outcome.CONTACT_SUPPORT,
}

_OF_REASON = {
    "STATE_UNKNOWN": (404, Outcome.UNKNOWN),
    "STATE_USED": (409, Outcome.USED),
    "STATE_EXPIRED": (410, Outcome.EXPIRED),
    "ATTEMPT_SUPERSEDED": (409, Outcome.SUPERSEDED),
    "ACCESS_DENIED": (403, Outcome.DECLINED),
    "ADMIN_BLOCKED": (403, Outcome.ADMIN_BLOCKED),
    "CONSENT_FAILED": (400, Outcome.CONSENT_FAILED),
    "CODE_REFUSED": (400, Outcome.NOT_ACCEPTED),
    "IDENTITY_UNVERIFIED": (400, Outcome.NOT_ACCEPTED),
    "OFFLINE_ACCESS_MISSING": (400, Outcome.NOT_ACCEPTED),
    "GRANT_VOID": (409, Outcome.GRANT_VOID),
    "PROVIDER_ACCOUNT_MISMATCH": (409, Outcome.OTHER_ACCOUNT),
    "PROVIDER_ACCOUNT_LINKED": (409, Outcome.LINKED_ALREADY),
    "ACCOUNT_NOT_FOUND": (410, Outcome.GONE),
    "CALENDAR_LINK_NOT_FOUND": (410, Outcome.GONE),
    "APP_MISCONFIGURED": (503, Outcome.OPERATOR_SIDE),
    "PROVIDER_UNREACHABLE": (503, Outcome.UNREACHABLE),
}

_OF_KIND: dict[type, tuple[int, Outcome]] = {
    errors.InvalidArgumentError: (400, Outcome.FAILED),
    errors.NotFoundError: (404, Outcome.FAILED),
    errors.AlreadyExistsError: (409, Outcome.FAILED),
    errors.FailedPreconditionError: (409, Outcome.FAILED),
    errors.AbortedError: (409, Outcome.FAILED),
    errors.ResourceExhaustedError: (429, Outcome.UNAVAILABLE),
    errors.UnavailableError: (503, Outcome.UNAVAILABLE),
}


def completed(link: CalendarLink) -> Told:
    """Tell of a link that was made or renewed, and of what is wrong with it."""
    cause = link.cause
    fault, unticked = None, tuple[Capability, ...]()
    outcome = _OUTCOME_OF_ACTION[link.next_action]
    if cause is not None and cause.reason is CauseReason.SCOPE_MISSING:
        outcome = Outcome.BOX_NOT_TICKED if link.state is LinkState.FAILED else Outcome.ADD_BOX_NOT_TICKED
        unticked = missing_capabilities(link.granted_scopes)
    elif cause is not None and outcome is not Outcome.WAIT:
        fault = cause.reason
    return Told(
        outcome,
        account=link.provider_email,
        fault=fault,
        calendar=cause.calendar_id if cause is not None else "",
        unticked=unticked,
        account_id=link.account_id,
        calendar_link_id=link.id,
    )


def refused(refusal: errors.CalguardError) -> tuple[int, Told]:
    """Tell why an attempt came to nothing; its reason decides, or else its kind."""
    kinds = (_OF_KIND.get(kind) for kind in type(refusal).__mro__)
    status, outcome = _OF_REASON.get(refusal.reason) or next(filter(None, kinds), (400, Outcome.FAILED))
    return status, Told(
        outcome,
        account_id=refusal.metadata.get("account_id", ""),
        calendar_link_id=refusal.metadata.get("calendar_link_id", ""),
        grant=_revocation(refusal.metadata),
    )


def _revocation(metadata: Mapping[str, str]) -> Revocation | None:
    return Revocation(metadata["grant"]) if "grant" in metadata else None
