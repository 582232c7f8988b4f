"""Google's two shapes of error: the token endpoint's and the Calendar API's."""

from collections.abc import Mapping, Sequence
from typing import Any

SERVICE = "calendar-json.googleapis.com"
PROJECT = "projects/000000000000"
_AUTHENTICATE = 'Bearer realm="https://accounts.google.com/"'


class OAuthError(Exception):
    """An answer of the token or revocation endpoint that is not 200."""

    def __init__(self, status: int, body: Mapping[str, str]) -> None:
        super().__init__(body["error"])
        self.status = status
        self.body = body


def oauth_error(status: int, error: str, description: str, **more: str) -> OAuthError:
    """The error with its body in Google's order; `more` is error_subtype, error_uri."""
    return OAuthError(status, {"error": error, "error_description": description, **more})


class ApiError(Exception):
    """An answer of the Calendar API that is not 2xx."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body["error"]["message"])
        self.status = status
        self.body = body
        self.headers = headers or {}


def api_body(
    code: int,
    reason: str,
    message: str,
    *,
    domain: str = "global",
    summary: str | None = None,
    status: str | None = None,
    details: Sequence[Mapping[str, Any]] = (),
    **item: str,
) -> dict[str, Any]:
    """An error body. Only what Google's front end refuses carries `status` and `details`.

    `summary` is the outer message where it differs from the item's; `item` adds location and locationType.
    """
    error: dict[str, Any] = {
        "code": code,
        "message": summary or message,
        "errors": [{"message": message, "domain": domain, "reason": reason, **item}],
    }
    if status is not None:
        error["status"] = status
    if details:
        error["details"] = list(details)
    return {"error": error}


def error_info(reason: str, **metadata: str) -> dict[str, Any]:
    """A google.rpc.ErrorInfo, as `details` carries it."""
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": SERVICE, **metadata},
    }


def bad_request(reason: str, message: str) -> ApiError:
    """400 for a request that cannot be understood."""
    return ApiError(400, api_body(400, reason, message))


def not_found() -> ApiError:
    """404 for a calendar that is not there, or not for this user, and for an event likewise."""
    return ApiError(404, api_body(404, "notFound", "Not Found"))


def forbidden(reason: str, message: str, domain: str = "calendar") -> ApiError:
    """403 for what this user may not do here."""
    return ApiError(403, api_body(403, reason, message, domain=domain))


def unauthenticated(*, token_sent: bool) -> ApiError:
    """401: there is no access token, or it is dead."""
    reason, message = ("authError", "Invalid Credentials") if token_sent else ("required", "Login Required.")
    body = api_body(
        401,
        reason,
        message,
        summary="Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or"
        " other valid authentication credential.",
        status="UNAUTHENTICATED",
        location="Authorization",
        locationType="header",
    )
    suffix = ', error="invalid_token"' if token_sent else ""
    return ApiError(401, body, {"WWW-Authenticate": _AUTHENTICATE + suffix})


def scope_insufficient(method: str, scopes: Sequence[str]) -> ApiError:
    """403: the token's scopes do not permit the method; `scopes` are those that would."""
    body = api_body(
        403,
        "insufficientPermissions",
        "Insufficient Permission",
        summary="Request had insufficient authentication scopes.",
        status="PERMISSION_DENIED",
        details=[error_info("ACCESS_TOKEN_SCOPE_INSUFFICIENT", method=method)],
    )
    header = f'{_AUTHENTICATE}, error="insufficient_scope", scope="{" ".join(scopes)}"'
    return ApiError(403, body, {"WWW-Authenticate": header})
