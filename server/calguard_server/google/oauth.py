"""OAuth 2.0 at Google: the consent page's address, and the calls of the token and revocation endpoints.

google-auth could refresh too, but hides the HTTP status and retries by itself: what an answer means could not be told.
Source: "Using OAuth 2.0 for Web Server Applications" in Google's identity documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, urlencode

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import AuthorizationRequest, Consent
from calguard_server.engine.ports.provider_errors import CodeRefusedError, IdentityUnverifiedError, ProviderFailureError
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome, Verdict
from calguard_server.google.bodies import parse_json, text_in
from calguard_server.google.classify import classify
from calguard_server.google.identity import IdentityVerifier
from calguard_server.google.options import GoogleOptions
from calguard_server.google.transport import Transport


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What a refresh gave: the scopes are None where Google did not tell them."""

    access_token: Secret
    lifetime: timedelta
    granted_scopes: tuple[str, ...] | None


class OAuth:
    """The OAuth client."""

    def __init__(self, transport: Transport, identity: IdentityVerifier, options: GoogleOptions, clock: Clock) -> None:
        self._transport = transport
        self._identity = identity
        self._options = options
        self._clock = clock

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Build the consent page's address.

        `include_granted_scopes` is not sent: the person shall see, and tick, all that the new grant permits.
        """
        query = {
            "client_id": self._options.client_id,
            "redirect_uri": request.redirect_uri or self._options.redirect_uri,
            "response_type": "code",
            "scope": " ".join(REQUESTED_SCOPES),
            "state": request.state,
            "code_challenge": request.code_challenge,
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",  # without it, a second consent would bring no refresh token
        }
        if request.login_hint:
            query["login_hint"] = request.login_hint
        return f"{self._options.auth_uri}?{urlencode(query, quote_via=quote)}"

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:
        """Exchange a code and verify who consented.

        Raises CodeRefusedError, IdentityUnverifiedError, ProviderFailureError.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": code_verifier.reveal(),
            "redirect_uri": redirect_uri or self._options.redirect_uri,
        }
        content = await self._token(Endpoint.EXCHANGE, form)
        told_refresh, access = text_in(content, "refresh_token"), Secret(text_in(content, "access_token"))
        refresh = Secret(told_refresh) if told_refresh else None
        # RFC 6749, section 5.1: what is not told is what was asked for.
        scopes = granted_scopes(content) or tuple(sorted(REQUESTED_SCOPES))
        try:
            identity = await self._identity.verify(text_in(content, "id_token"))
        except IdentityUnverifiedError as error:
            grant = Grant(refresh or access, scopes, error.subject)
            raise IdentityUnverifiedError(str(error), subject=error.subject, grant=grant) from None
        return Consent(identity.subject, identity.email, scopes, refresh, access)

    async def refresh(self, grant: Grant) -> Refreshed:
        """Get a new access token. Raises ProviderFailureError.

        No scopes are sent: the answer then tells those that the grant still has. A `refresh_token` in the answer is
        ignored: Google issues one for a code only, and the one held stays good.
        """
        refresh_token = grant.refresh_token.reveal()
        if not refresh_token:
            raise ProviderFailureError(Finding(CauseReason.AUTHORIZATION_INCOMPLETE))
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        content = await self._token(Endpoint.REFRESH, form)
        return Refreshed(Secret(text_in(content, "access_token")), lifetime(content), granted_scopes(content))

    async def revoke(self, grant: Grant) -> bool:
        """Revoke a grant; True where it is void now, whoever made it so."""
        refresh_token = grant.refresh_token.reveal()
        if not refresh_token:
            return True
        form = {"token": refresh_token}
        came_back = await self._transport.send("POST", self._options.revoke_uri, body=form)
        return classify(Call(Endpoint.REVOKE), came_back, self._clock.now()).outcome is Outcome.DONE

    async def _token(self, endpoint: Endpoint, form: Mapping[str, str]) -> object:
        client = {"client_id": self._options.client_id, "client_secret": self._options.client_secret.reveal()}
        came_back = await self._transport.send("POST", self._options.token_uri, body={**client, **form})
        raise_unless_done(classify(Call(endpoint), came_back, self._clock.now()))
        return parse_json(came_back.body) if isinstance(came_back, Answer) else None


def raise_unless_done(verdict: Verdict) -> None:
    """Raise CodeRefusedError or ProviderFailureError for what was not done."""
    if verdict.outcome is Outcome.CODE_REFUSED:
        raise CodeRefusedError("Google does not accept the authorization code")
    if verdict.outcome is not Outcome.DONE:
        raise ProviderFailureError(next(iter(verdict.findings), Finding(CauseReason.PROVIDER_UNAVAILABLE)))


def granted_scopes(content: object) -> tuple[str, ...] | None:
    """Answer the scopes that a token answer tells, sorted, so that the same grant always reads the same."""
    return tuple(sorted(set(text_in(content, "scope").split()))) or None


def lifetime(content: object) -> timedelta:
    """Answer how long an access token is good; nothing where that is not told, so that it is used once only."""
    told = content.get("expires_in") if isinstance(content, dict) else None
    seconds = told if isinstance(told, int) and not isinstance(told, bool) else 0
    return timedelta(seconds=min(max(seconds, 0), 86_400))
