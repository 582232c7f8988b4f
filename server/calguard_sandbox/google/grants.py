"""Grants and the codes and tokens that hang on them.

A grant is one user's consent to one client. Its tokens work while it lives: revoking any of them ends the grant,
and with it all of them. A token permits what it was issued for, less what the grant has lost since.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from calguard_sandbox.google.errors import OAuthError, oauth_error
from calguard_sandbox.sources import Ids, Now

CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(hours=1)
REFRESH_IDLE = timedelta(days=183)
TESTING_LIFE = timedelta(days=7)
REFRESH_LIMIT = 100


@dataclass(slots=True)
class Client:
    """An OAuth client. One in Testing has refresh tokens that live for a week."""

    id: str
    secret: str
    redirect_uris: set[str] = field(default_factory=set)
    deleted: bool = False
    testing: bool = False


@dataclass(eq=False, slots=True)
class Grant:
    """A user's consent to a client, and all that it ever covered and has not lost."""

    email: str
    client_id: str
    scopes: set[str] = field(default_factory=set)
    live: bool = True


@dataclass(frozen=True, slots=True)
class Code:
    """What the token endpoint must check before it exchanges an authorization code."""

    grant: Grant
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str | None
    challenge_method: str
    nonce: str | None
    refreshable: bool
    expires: datetime

    def check(self, redirect_uri: str, verifier: str | None) -> None:
        """Raise what the token endpoint answers when the exchange does not fit the request."""
        if redirect_uri != self.redirect_uri:
            raise oauth_error(400, "redirect_uri_mismatch", "Bad Request")
        if self.challenge is None:
            return
        if not verifier:
            raise oauth_error(400, "invalid_grant", "Missing code verifier.")
        if not hmac.compare_digest(_challenge(verifier, self.challenge_method), self.challenge.encode()):
            raise oauth_error(400, "invalid_grant", "Invalid code verifier.")


@dataclass(slots=True)
class RefreshToken:
    """A refresh token and when it was last of use."""

    token: str
    grant: Grant
    scopes: tuple[str, ...]
    issued: datetime
    used: datetime


@dataclass(slots=True)
class AccessToken:
    """An access token; dead ones are kept, so that a call with one can still be told by its user."""

    token: str
    grant: Grant
    scopes: tuple[str, ...]
    expires: datetime

    @property
    def permitted(self) -> tuple[str, ...]:
        """The scopes it was issued for and that the grant still has."""
        return tuple(scope for scope in self.scopes if scope in self.grant.scopes)


@dataclass(frozen=True, slots=True)
class Issued:
    """What one exchange or refresh gave out."""

    access: AccessToken
    refresh_token: str | None = None
    nonce: str | None = None


class Grants:
    """All grants, codes and tokens."""

    def __init__(self, now: Now, ids: Ids) -> None:
        self._now = now
        self._ids = ids
        self.grants: dict[tuple[str, str], Grant] = {}
        self.codes: dict[str, Code] = {}
        self.used_codes: dict[str, Grant] = {}
        self.refresh_tokens: dict[str, RefreshToken] = {}
        self.access_tokens: dict[str, AccessToken] = {}

    def clear(self) -> None:
        """Forget everything: every token becomes unknown."""
        for table in (self.grants, self.codes, self.used_codes, self.refresh_tokens, self.access_tokens):
            table.clear()

    def live_grant(self, email: str, client_id: str) -> Grant | None:
        """The user's consent to that client, if it stands."""
        grant = self.grants.get((email, client_id))
        return grant if grant and grant.live else None

    def consent(self, email: str, client_id: str, scopes: tuple[str, ...]) -> Grant:
        """The grant that the user's consent makes or widens."""
        grant = self.live_grant(email, client_id) or Grant(email, client_id)
        grant.scopes.update(scopes)
        self.grants[email, client_id] = grant
        return grant

    def issue_code(self, code: Code) -> str:
        """A new authorization code, good once."""
        text = f"4/0{self._ids.token('code')}"
        self.codes[text] = code
        return text

    def exchange(self, text: str, client_id: str, redirect_uri: str, verifier: str | None) -> Issued:
        """Trade a code for tokens. A code that is offered twice ends the grant that it made."""
        if text in self.used_codes:
            self.used_codes[text].live = False
            raise oauth_error(400, "invalid_grant", "Bad Request")
        code = self.codes.get(text)
        if code is None or code.grant.client_id != client_id:
            raise oauth_error(400, "invalid_grant", "Malformed auth code.")
        if self._now() >= code.expires or not code.grant.live:
            raise oauth_error(400, "invalid_grant", "Bad Request")
        code.check(redirect_uri, verifier)
        self.used_codes[text] = self.codes.pop(text).grant
        refresh_token = self._issue_refresh(code.grant, code.scopes) if code.refreshable else None
        return Issued(self._issue_access(code.grant, code.scopes), refresh_token, code.nonce)

    def refresh(self, text: str, client: Client, asked: tuple[str, ...]) -> Issued:
        """A new access token; `asked` narrows it and may not widen it."""
        token = self.refresh_tokens.get(text)
        if token is None or not token.grant.live or self._stale(token, client):
            raise dead_token()
        if token.grant.client_id != client.id:
            raise oauth_error(401, "unauthorized_client", "Unauthorized")
        available = tuple(scope for scope in token.scopes if scope in token.grant.scopes)
        if not set(asked) <= set(available):
            raise oauth_error(400, "invalid_scope", "Bad Request")
        token.used = self._now()
        return Issued(self._issue_access(token.grant, asked or available))

    def grant_of(self, token: str) -> Grant | None:
        """The grant that an access or refresh token hangs on, alive or not."""
        held = self.access_tokens.get(token) or self.refresh_tokens.get(token)
        return held.grant if held else None

    def valid_access(self, token: str) -> AccessToken | None:
        """The access token, if it is good now."""
        held = self.access_tokens.get(token)
        return held if held and held.grant.live and self._now() < held.expires else None

    def _issue_access(self, grant: Grant, scopes: tuple[str, ...]) -> AccessToken:
        token = AccessToken(f"ya29.{self._ids.token('access')}", grant, scopes, self._now() + ACCESS_LIFE)
        self.access_tokens[token.token] = token
        return token

    def _issue_refresh(self, grant: Grant, scopes: tuple[str, ...]) -> str:
        """A refresh token; past a hundred for one user and client, the oldest dies without a word."""
        siblings = [token for token in self.refresh_tokens.values() if token.grant is grant]
        if len(siblings) >= REFRESH_LIMIT:
            del self.refresh_tokens[siblings[0].token]
        text = f"1//0{self._ids.token('refresh')}"
        self.refresh_tokens[text] = RefreshToken(text, grant, scopes, self._now(), self._now())
        return text

    def _stale(self, token: RefreshToken, client: Client) -> bool:
        now = self._now()
        return now - token.used >= REFRESH_IDLE or (client.testing and now - token.issued >= TESTING_LIFE)


def dead_token() -> OAuthError:
    """What a refresh token that is revoked, expired or unknown gets; Google does not say which."""
    return oauth_error(400, "invalid_grant", "Token has been expired or revoked.")


def _challenge(verifier: str, method: str) -> bytes:
    if method == "plain":
        return verifier.encode()
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
