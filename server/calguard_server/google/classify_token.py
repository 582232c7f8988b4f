"""Judging what the token and revocation endpoints refuse: by the error's name, never by the HTTP status alone."""

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.google.answers import DONE, Answer, Call, Endpoint, Outcome, Verdict
from calguard_server.google.bodies import error_reasons, is_html, text_in

INVALID_GRANT = "invalid_grant"

CODE_ERRORS = frozenset({INVALID_GRANT, "invalid_request", "redirect_uri_mismatch"})
"""What an exchange answers for a code that is spent, expired, malformed, or not for this attempt."""

SESSION_SUBTYPES = frozenset({"invalid_rapt", "rapt_required"})
"""The `error_subtype` of an invalid_grant that an organization's session policy caused."""

ACCOUNT_DELETED = "account has been deleted"
"""The only sign of it: Google has no error name of its own for this."""

ERROR_REASONS: dict[str, CauseReason] = {
    "admin_policy_enforced": CauseReason.ADMIN_BLOCKED,
    "org_internal": CauseReason.ADMIN_BLOCKED,
    "invalid_client": CauseReason.APP_MISCONFIGURED,
    "deleted_client": CauseReason.APP_MISCONFIGURED,
    "disabled_client": CauseReason.APP_MISCONFIGURED,
    "unauthorized_client": CauseReason.APP_MISCONFIGURED,
    "invalid_scope": CauseReason.APP_MISCONFIGURED,
    "invalid_request": CauseReason.APP_MISCONFIGURED,
    "unsupported_grant_type": CauseReason.APP_MISCONFIGURED,
    "accessNotConfigured": CauseReason.APP_MISCONFIGURED,
    "SERVICE_DISABLED": CauseReason.APP_MISCONFIGURED,
    "rate_limit_exceeded": CauseReason.RATE_LIMITED,
    "rateLimitExceeded": CauseReason.RATE_LIMITED,
    "userRateLimitExceeded": CauseReason.RATE_LIMITED,
    "slow_down": CauseReason.RATE_LIMITED,
    "access_denied": CauseReason.ACCESS_FORBIDDEN,
}
"""Errors that mean the same whatever was asked; any other may pass by itself."""


def classify_token_refusal(call: Call, answer: Answer, content: object) -> Verdict:
    """Judge an answer of 3xx or 4xx; `content` is its JSON, where it is JSON."""
    errors = error_reasons(content)
    if call.endpoint is Endpoint.REVOKE and "invalid_token" in errors:
        return DONE
    if call.endpoint is Endpoint.EXCHANGE and errors & CODE_ERRORS:
        return Verdict(Outcome.CODE_REFUSED)
    if INVALID_GRANT in errors:
        return _fault(_reason_of_invalid_grant(content))
    for error, reason in ERROR_REASONS.items():
        if error in errors:
            return _fault(reason)
    if answer.status == 403 and not is_html(answer, content):
        return _fault(CauseReason.ACCESS_FORBIDDEN)
    return _fault(CauseReason.PROVIDER_UNAVAILABLE)


def _reason_of_invalid_grant(content: object) -> CauseReason:
    if text_in(content, "error_subtype") in SESSION_SUBTYPES:
        return CauseReason.SESSION_POLICY
    if ACCOUNT_DELETED in text_in(content, "error_description").lower():
        return CauseReason.ACCOUNT_UNAVAILABLE
    return CauseReason.AUTHORIZATION_REVOKED


def _fault(reason: CauseReason) -> Verdict:
    return Verdict(Outcome.FAULT, (Finding(reason),))
