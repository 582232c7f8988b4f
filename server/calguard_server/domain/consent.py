"""What a consent page's error means: RFC 6749, section 4.1.2.1, and what Google adds to it.

Google shows most of what it refuses on a page of its own; what comes back is `access_denied` as a rule.
"""

from enum import StrEnum


class ConsentError(StrEnum):
    """Why the consent page sent back an error and no code."""

    DECLINED = "DECLINED"
    ADMIN_BLOCKED = "ADMIN_BLOCKED"
    UNAVAILABLE = "UNAVAILABLE"  # it may pass by itself
    MISCONFIGURED = "MISCONFIGURED"  # the operator's to mend
    OTHER = "OTHER"


_KNOWN = {
    "access_denied": ConsentError.DECLINED,
    "admin_policy_enforced": ConsentError.ADMIN_BLOCKED,
    "org_internal": ConsentError.ADMIN_BLOCKED,
    "server_error": ConsentError.UNAVAILABLE,
    "temporarily_unavailable": ConsentError.UNAVAILABLE,
    "invalid_request": ConsentError.MISCONFIGURED,
    "invalid_scope": ConsentError.MISCONFIGURED,
    "unauthorized_client": ConsentError.MISCONFIGURED,
    "unsupported_response_type": ConsentError.MISCONFIGURED,
}


def judge_consent_error(error: str) -> ConsentError:
    """Judge an error by its name; whoever holds the attempt's state could have written anything."""
    return _KNOWN.get(error, ConsentError.OTHER)
