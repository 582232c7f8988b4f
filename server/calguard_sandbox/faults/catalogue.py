"""Every fault by name: one table. Each says what it belongs to and what it answers.

The surface and endpoint are where a rule strikes that does not say; `network/*` may be set on any surface,
but for `network/hold*`, which are of HTTP.
Bodies are those of Google, Slack and SMTP servers, word for word where they are published.
"""

from dataclasses import dataclass

from calguard_sandbox.faults.answers import (
    Answer,
    Breakage,
    CalendarErrors,
    Hold,
    HttpReply,
    NetworkFault,
    OmitField,
    SmtpReply,
)
from calguard_sandbox.google.errors import (
    PROJECT,
    ApiError,
    api_body,
    error_info,
    forbidden,
    not_found,
    oauth_error,
    scope_insufficient,
    unauthenticated,
)


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A fault. `surface` None fits any; `endpoint` is the default of rules that name none."""

    surface: str | None
    endpoint: str | None
    answer: Answer


_HTML_502 = "<html><head><title>502 Server Error</title></head><body><h1>Error: Server Error</h1></body></html>"
_HTML_503 = "<html><head><title>Error 503</title></head><body><h1>Service Unavailable</h1></body></html>"
_HTML_200 = "<!doctype html><html><head><title>Sign in</title></head><body>Welcome to the airport</body></html>"
_ENABLE = "https://console.developers.google.com/apis/api/calendar-json.googleapis.com/overview"
_DISABLED = (
    f"Google Calendar API has not been used in {PROJECT} before or it is disabled. Enable it by visiting"
    f" {_ENABLE} then retry."
)
_QUOTA = (
    "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service"
    " 'calendar-json.googleapis.com'."
)
_REAUTH_URI = "https://support.google.com/a/answer/9368756"


def _token(status: int, error: str, description: str, **more: str) -> CatalogueEntry:
    body = dict(oauth_error(status, error, description, **more).body)
    return CatalogueEntry("google", "token", HttpReply(status, body))


def _token_raw(status: int, body: object) -> CatalogueEntry:
    return CatalogueEntry("google", "token", HttpReply(status, body))


def _api_raw(status: int, body: object, **headers: str) -> CatalogueEntry:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return CatalogueEntry("google", "api", HttpReply(status, body, names))


def _api(error: ApiError, endpoint: str = "api") -> CatalogueEntry:
    return CatalogueEntry("google", endpoint, HttpReply(error.status, error.body, error.headers))


def _limited(code: int, reason: str, message: str, **headers: str) -> CatalogueEntry:
    status = "RESOURCE_EXHAUSTED" if code == 429 else "PERMISSION_DENIED"
    details = [error_info("RATE_LIMIT_EXCEEDED", quota_limit="defaultPerMinutePerUser", consumer=PROJECT)]
    body = api_body(code, reason, message, domain="usageLimits", status=status, details=details)
    return _api_raw(code, body, **headers)


def _details_only(reason: str, message: str) -> CatalogueEntry:
    """An error as Google's newer front end writes it: the reason is in `details` alone."""
    error = {"code": 403, "message": message, "status": "PERMISSION_DENIED", "details": [error_info(reason)]}
    return _api_raw(403, {"error": error})


def _usage(reason: str, message: str) -> CatalogueEntry:
    return _api_raw(403, api_body(403, reason, message, domain="usageLimits"))


def _slack(error: str, status: int = 200, **more: str) -> CatalogueEntry:
    return CatalogueEntry("slack", None, HttpReply(status, {"ok": False, "error": error, **more}))


def _smtp(code: int, text: str, phase: str = "rcpt") -> CatalogueEntry:
    return CatalogueEntry("smtp", phase, SmtpReply(code, text))


def _network(breakage: Breakage, *, acted: bool = False) -> CatalogueEntry:
    return CatalogueEntry(None, None, NetworkFault(breakage, acted=acted))


CATALOGUE: dict[str, CatalogueEntry] = {
    # The token endpoint.
    "token/invalid_grant": _token(400, "invalid_grant", "Token has been expired or revoked."),
    "token/invalid_rapt": _token(
        400,
        "invalid_grant",
        "reauth related error (invalid_rapt)",
        error_uri=_REAUTH_URI,
        error_subtype="invalid_rapt",
    ),
    "token/rapt_required": _token(
        400,
        "invalid_grant",
        "reauth related error (rapt_required)",
        error_uri=_REAUTH_URI,
        error_subtype="rapt_required",
    ),
    "token/account_deleted": _token(400, "invalid_grant", "Account has been deleted"),
    "token/admin_policy_enforced": _token(
        400, "admin_policy_enforced", "Access to your account data is restricted by policies within your organization."
    ),
    "token/org_internal": _token(400, "org_internal", "This client is restricted to users within its organization."),
    "token/invalid_client": _token(401, "invalid_client", "The OAuth client was not found."),
    "token/deleted_client": _token(401, "deleted_client", "The OAuth client was deleted."),
    "token/disabled_client": _token(401, "disabled_client", "The OAuth client was disabled."),
    "token/unauthorized_client": _token(401, "unauthorized_client", "Unauthorized"),
    "token/invalid_scope": _token(400, "invalid_scope", "Bad Request"),
    "token/invalid_request": _token(400, "invalid_request", "Bad Request"),
    "token/rate_limited": _token(429, "rate_limit_exceeded", "Rate Limit Exceeded"),
    "token/internal_failure": _token(500, "internal_failure", "Internal error encountered."),
    "token/temporarily_unavailable": _token(503, "temporarily_unavailable", "Please try again later."),
    "token/502_html": _token_raw(502, _HTML_502),
    "token/503_html": _token_raw(503, _HTML_503),
    "token/200_html": _token_raw(200, _HTML_200),
    "token/200_list": _token_raw(200, []),
    "token/200_no_access_token": _token_raw(200, {"expires_in": 3599, "token_type": "Bearer"}),
    "token/no_refresh_token": CatalogueEntry("google", "token", OmitField("refresh_token")),
    # The consent page: what it refuses by itself never reaches the callback.
    "consent/org_internal": CatalogueEntry("google", "consent", HttpReply(403, "<h1>Error 403: org_internal</h1>")),
    "consent/admin_policy_enforced": CatalogueEntry(
        "google", "consent", HttpReply(400, "<h1>Error 400: admin_policy_enforced</h1>")
    ),
    # The revocation endpoint.
    "revoke/invalid_token": CatalogueEntry(
        "google", "revoke", HttpReply(400, {"error": "invalid_token", "error_description": "Token expired or revoked"})
    ),
    # The Calendar API, refusing.
    "api/authError": _api(unauthenticated(token_sent=True)),
    "api/insufficientPermissions": _api(scope_insufficient("calendar.v3.Freebusy.Query", [])),
    "api/insufficientPermissions_bare": _api_raw(
        403, api_body(403, "insufficientPermissions", "Insufficient Permission: Request had insufficient scopes.")
    ),
    "api/ACCESS_TOKEN_SCOPE_INSUFFICIENT": _details_only(
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT", "Request had insufficient authentication scopes."
    ),
    "api/notFound": _api(not_found()),
    "api/requiredAccessLevel": _api(
        forbidden("requiredAccessLevel", "You need to have writer access to this calendar."), "events.insert"
    ),
    "api/forbidden": _api(forbidden("forbidden", "Forbidden", "global")),
    "api/403_unknown": _api(forbidden("unheardOf", "Something that has no name yet.", "global")),
    "api/403_html": _api_raw(403, "<html><body><h1>403. That's an error.</h1></body></html>"),
    "api/notACalendarUser": _api(forbidden("notACalendarUser", "The user must be signed up for Google Calendar.")),
    "api/429_rateLimitExceeded": _limited(429, "rateLimitExceeded", _QUOTA, Retry_After="7"),
    "api/rateLimitExceeded": _limited(403, "rateLimitExceeded", _QUOTA),
    "api/userRateLimitExceeded": _usage("userRateLimitExceeded", "User Rate Limit Exceeded"),
    "api/quotaExceeded": _usage("quotaExceeded", "Calendar usage limits exceeded."),
    "api/dailyLimitExceeded": _usage("dailyLimitExceeded", "Daily Limit Exceeded"),
    "api/accessNotConfigured": _api_raw(
        403,
        api_body(
            403,
            "accessNotConfigured",
            _DISABLED,
            domain="usageLimits",
            status="PERMISSION_DENIED",
            details=[
                {
                    "@type": "type.googleapis.com/google.rpc.Help",
                    "links": [{"description": "Google developers console API activation", "url": _ENABLE}],
                },
                error_info("SERVICE_DISABLED", consumer=PROJECT),
            ],
            extendedHelp="https://console.developers.google.com",
        ),
    ),
    "api/SERVICE_DISABLED": _details_only("SERVICE_DISABLED", _DISABLED),
    "api/duplicate": _api_raw(409, api_body(409, "duplicate", "The requested identifier already exists.")),
    "api/deleted": _api_raw(410, api_body(410, "deleted", "Resource has been deleted")),
    "api/fullSyncRequired": _api_raw(
        410,
        api_body(
            410,
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
            location="syncToken",
            domain="calendar",
            locationType="parameter",
        ),
    ),
    "api/updatedMinTooLongAgo": _api_raw(
        410,
        api_body(
            410,
            "updatedMinTooLongAgo",
            "The requested minimum modification time lies too far in the past.",
            location="updatedMin",
            domain="calendar",
            locationType="parameter",
        ),
    ),
    # The Calendar API, failing.
    "api/backendError": _api_raw(503, api_body(503, "backendError", "Backend Error")),
    "api/internalError": _api_raw(500, api_body(500, "internalError", "Internal Error", status="INTERNAL")),
    "api/500_html": _api_raw(500, _HTML_502),
    "api/502_html": _api_raw(502, _HTML_502),
    "api/503_html": _api_raw(503, _HTML_503),
    "api/503_retry_after": _api_raw(503, api_body(503, "backendError", "Backend Error"), Retry_After="20"),
    "api/504_empty": _api_raw(504, ""),
    "api/200_html": _api_raw(200, _HTML_200),
    "api/200_list": _api_raw(200, []),
    "api/200_string": _api_raw(200, '"ok"', Content_Type="application/json"),
    "api/200_empty": _api_raw(200, "", Content_Type="application/json"),
    "api/200_truncated": _api_raw(200, '{"kind": "calendar#freeBusy", "cal', Content_Type="application/json"),
    # Free/busy errors inside a 200.
    "freebusy/notFound": CatalogueEntry("google", "freebusy", CalendarErrors("notFound")),
    "freebusy/forbidden": CatalogueEntry("google", "freebusy", CalendarErrors("forbidden")),
    "freebusy/internalError": CatalogueEntry("google", "freebusy", CalendarErrors("internalError")),
    "freebusy/groupTooBig": CatalogueEntry("google", "freebusy", CalendarErrors("groupTooBig")),
    "freebusy/tooManyCalendarsRequested": CatalogueEntry(
        "google", "freebusy", CalendarErrors("tooManyCalendarsRequested")
    ),
    "freebusy/unknown": CatalogueEntry("google", "freebusy", CalendarErrors("unheardOf")),
    # The connection. `_after` does the act and loses the answer.
    "network/drop": _network(Breakage.DROP),
    "network/drop_after": _network(Breakage.DROP, acted=True),
    "network/hang": _network(Breakage.HANG),
    "network/hang_after": _network(Breakage.HANG, acted=True),
    "network/hold": CatalogueEntry(None, None, Hold()),
    "network/hold_after": CatalogueEntry(None, None, Hold(acted=True)),
    "network/garbage": _network(Breakage.GARBAGE),
    "network/cut_short": _network(Breakage.CUT_SHORT),
    # Slack: the connection with the workspace is broken.
    "slack/invalid_auth": _slack("invalid_auth"),
    "slack/not_authed": _slack("not_authed"),
    "slack/token_revoked": _slack("token_revoked"),
    "slack/token_expired": _slack("token_expired"),
    "slack/account_inactive": _slack("account_inactive"),
    "slack/missing_scope": _slack("missing_scope", needed="chat:write", provided="users:read"),
    # Slack: the destination is wrong.
    "slack/channel_not_found": _slack("channel_not_found"),
    "slack/not_in_channel": _slack("not_in_channel"),
    "slack/is_archived": _slack("is_archived"),
    "slack/restricted_action": _slack("restricted_action"),
    "slack/users_not_found": _slack("users_not_found"),
    "slack/user_not_found": _slack("user_not_found"),
    "slack/messages_tab_disabled": _slack("messages_tab_disabled"),
    # Slack: try again.
    "slack/ratelimited": CatalogueEntry(
        "slack", None, HttpReply(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
    ),
    "slack/internal_error": _slack("internal_error"),
    "slack/fatal_error": _slack("fatal_error"),
    "slack/500": _slack("internal_error", 500),
    "slack/503_html": CatalogueEntry("slack", None, HttpReply(503, _HTML_503)),
    "slack/200_html": CatalogueEntry("slack", None, HttpReply(200, _HTML_200)),
    "slack/unheard_of": _slack("some_error_of_tomorrow"),
    # SMTP.
    "smtp/421": _smtp(421, "4.3.2 Service not available, closing transmission channel", "mail"),
    "smtp/450": _smtp(450, "4.2.1 Mailbox temporarily unavailable"),
    "smtp/451": _smtp(451, "4.3.0 Local error in processing"),
    "smtp/452": _smtp(452, "4.2.2 Mailbox full"),
    "smtp/530": _smtp(530, "5.7.0 Authentication required", "mail"),
    "smtp/550": _smtp(550, "5.1.1 No such user here"),
    "smtp/552": _smtp(552, "5.2.2 Mailbox over quota"),
    "smtp/data_451": _smtp(451, "4.3.0 Local error in processing", "data"),
    "smtp/data_554": _smtp(554, "5.7.1 Message refused", "data"),
}
