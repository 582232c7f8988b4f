"""What the authorization endpoint is asked, and whether it may be answered.

A request that fails here gets an error page and never a redirect, as at Google: the callback hears nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from calguard_sandbox.google import scopes as scope_table
from calguard_sandbox.google.grants import Client


class AuthorizationRefusedError(Exception):
    """Google's `Access blocked: Authorization Error` page."""

    def __init__(self, status: int, error: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error = error


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that may be put to the user."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    login_hint: str | None
    challenge: str | None
    challenge_method: str
    offline: bool
    ask_consent: bool
    include_granted: bool

    @property
    def calendar_scopes(self) -> tuple[str, ...]:
        """Those that the user may tick or leave."""
        return tuple(scope for scope in self.scopes if scope_table.is_calendar(scope))


def parse_authorization(query: Mapping[str, str], clients: Mapping[str, Client]) -> AuthorizationRequest:
    """The request that the query makes. Raises AuthorizationRefusedError."""
    client_id = _require(query, "client_id")
    _check_client(clients.get(client_id), _require(query, "redirect_uri"))
    if _require(query, "response_type") != "code":
        raise AuthorizationRefusedError(
            400, "unsupported_response_type", "response_type must be code: the sandbox knows that flow only"
        )
    scopes = tuple(_require(query, "scope").split())
    unknown = [scope for scope in scopes if not scope_table.known(scope)]
    if unknown:
        raise AuthorizationRefusedError(
            400, "invalid_scope", f"Some requested scopes were invalid: {' '.join(unknown)}"
        )
    return AuthorizationRequest(
        client_id=client_id,
        redirect_uri=query["redirect_uri"],
        scopes=scopes,
        state=query.get("state"),
        nonce=query.get("nonce"),
        login_hint=query.get("login_hint"),
        challenge=query.get("code_challenge"),
        challenge_method=_challenge_method(query),
        offline=query.get("access_type") == "offline",
        ask_consent="consent" in query.get("prompt", "").split(),
        include_granted=query.get("include_granted_scopes") == "true",
    )


def _require(query: Mapping[str, str], name: str) -> str:
    value = query.get(name)
    if not value:
        raise AuthorizationRefusedError(400, "invalid_request", f"Required parameter is missing: {name}")
    return value


def _check_client(client: Client | None, redirect_uri: str) -> None:
    if client is None:
        raise AuthorizationRefusedError(401, "invalid_client", "The OAuth client was not found.")
    if client.deleted:
        raise AuthorizationRefusedError(401, "deleted_client", "The OAuth client was deleted.")
    if redirect_uri not in client.redirect_uris and not _is_loopback(redirect_uri):
        raise AuthorizationRefusedError(
            400, "redirect_uri_mismatch", f"redirect_uri is not registered for this client: {redirect_uri}"
        )


def _is_loopback(redirect_uri: str) -> bool:
    """Http to this machine, whatever the port and path; no user part and no fragment."""
    try:
        uri = urlsplit(redirect_uri)
        host = uri.hostname or ""
        plain = uri.scheme == "http" and not uri.fragment and "@" not in uri.netloc
        return plain and (host == "localhost" or ip_address(host).is_loopback)
    except ValueError:
        return False


def _challenge_method(query: Mapping[str, str]) -> str:
    method = query.get("code_challenge_method", "plain")
    if method not in {"S256", "plain"}:
        raise AuthorizationRefusedError(
            400, "invalid_request", f"Invalid code_challenge_method: {method}; S256 is expected"
        )
    return method
