"""What comes of a user's answer on the consent page."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit

from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.google import scopes as scope_table
from calguard_sandbox.google.authorization import AuthorizationRequest
from calguard_sandbox.google.grants import CODE_LIFE, Code
from calguard_sandbox.google.state import GoogleState


def approve(state: GoogleState, request: AuthorizationRequest, email: str, ticked: Iterable[str]) -> str:
    """Where the browser goes when the user has approved the scopes ticked; identity scopes have no box.

    Raises BadFieldError for an account that cannot sign in, or a scope that was not asked for.
    """
    user = state.user(email)
    if user.deleted:
        raise BadFieldError("email", "this account has been deleted")
    ticked = set(ticked)
    if not ticked <= set(request.calendar_scopes):
        raise BadFieldError("scopes", "not a calendar scope of this request")
    granted = scope_table.granted_names(
        scope for scope in request.scopes if scope in ticked or scope in scope_table.IDENTITY
    )
    code = state.grants.issue_code(_code(state, request, user.email, granted))
    return _with_query(
        request,
        {
            "code": code,
            "scope": " ".join(granted),
            "authuser": "0",
            "prompt": "consent" if request.ask_consent else "none",
        },
    )


def deny(request: AuthorizationRequest, error: str = "access_denied") -> str:
    """Where the browser goes when the user has refused."""
    return _with_query(request, {"error": error})


def _code(state: GoogleState, request: AuthorizationRequest, email: str, granted: tuple[str, ...]) -> Code:
    """The code of this consent.

    As at Google it brings a refresh token only for offline access, on a first consent or with prompt=consent.
    """
    known = state.grants.live_grant(email, request.client_id)
    earlier = sorted(known.scopes) if known and request.include_granted else []
    scopes = scope_table.granted_names([*granted, *earlier])
    return Code(
        grant=state.grants.consent(email, request.client_id, scopes),
        redirect_uri=request.redirect_uri,
        scopes=scopes,
        challenge=request.challenge,
        challenge_method=request.challenge_method,
        nonce=request.nonce,
        refreshable=request.offline and (known is None or request.ask_consent),
        expires=state.now() + CODE_LIFE,
    )


def _with_query(request: AuthorizationRequest, answer: Mapping[str, str]) -> str:
    """The redirect URI with the answer, and the request's own state, added to whatever query it has."""
    uri = urlsplit(request.redirect_uri)
    pairs = {"state": request.state, **answer} if request.state is not None else dict(answer)
    return urlunsplit(uri._replace(query="&".join(filter(None, [uri.query, urlencode(pairs)]))))
