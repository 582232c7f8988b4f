"""The token, revocation, certificate and userinfo endpoints."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from calguard_sandbox.google.access import bearer
from calguard_sandbox.google.accounts import User
from calguard_sandbox.google.errors import oauth_error, unauthenticated
from calguard_sandbox.google.grants import ACCESS_LIFE, Client, Issued
from calguard_sandbox.google.state import GoogleState
from calguard_sandbox.keys import signing_key

ISSUER = "https://accounts.google.com"
ID_TOKEN_LIFE = timedelta(hours=1)
_NO_STORE = {"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate", "Pragma": "no-cache"}


class OAuthEndpoints:
    """What is not the consent page and not the Calendar API."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def token(self, request: web.Request) -> web.Response:
        """POST /token: a code or a refresh token for an access token."""
        form = await text_form(request)
        client = self._client(form, request.headers.get("Authorization", ""))
        grant_type = _require(form, "grant_type")
        if grant_type == "authorization_code":
            issued = self._exchange(form, client)
        elif grant_type == "refresh_token":
            issued = self._refresh(form, client)
        else:
            raise oauth_error(400, "unsupported_grant_type", f"Invalid grant_type: {grant_type}")
        return web.json_response(self._answer(issued, client), headers=_NO_STORE)

    async def revoke(self, request: web.Request) -> web.Response:
        """POST /revoke: end the grant that the token, of either kind, hangs on."""
        form = await text_form(request)
        token = form.get("token") or request.query.get("token")
        if not token:
            raise oauth_error(400, "invalid_request", "Missing required parameter: token")
        grant = self._state.grants.grant_of(token)
        if grant is None or not grant.live:
            raise oauth_error(400, "invalid_token", "Token expired or revoked")
        grant.live = False
        return web.json_response({})

    async def certificates(self, _request: web.Request) -> web.Response:
        """GET /oauth2/v1/certs: PEM certificates by key id."""
        key = signing_key()
        return web.json_response({key.kid: key.certificate}, headers={"Cache-Control": "public, max-age=3600"})

    async def jwks(self, _request: web.Request) -> web.Response:
        """GET /oauth2/v3/certs: the same keys as a JWK set."""
        return web.json_response(signing_key().jwks(), headers={"Cache-Control": "public, max-age=3600"})

    async def userinfo(self, request: web.Request) -> web.Response:
        """GET /v1/userinfo, the OpenID Connect one."""
        token = self._state.grants.valid_access(bearer(request))
        if token is None:
            raise unauthenticated(token_sent=bool(bearer(request)))
        user = self._state.user(token.grant.email)
        return web.json_response({**_identity(user), "name": user.name})

    def _client(self, form: Mapping[str, str], authorization: str) -> Client:
        client_id, secret = _basic(authorization) or (_require(form, "client_id"), form.get("client_secret", ""))
        client = self._state.clients.get(client_id)
        if client is None:
            raise oauth_error(401, "invalid_client", "The OAuth client was not found.")
        if client.deleted:
            raise oauth_error(401, "deleted_client", "The OAuth client was deleted.")
        if not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise oauth_error(401, "invalid_client", "Unauthorized")
        return client

    def _exchange(self, form: Mapping[str, str], client: Client) -> Issued:
        code, redirect_uri = _require(form, "code"), _require(form, "redirect_uri")
        return self._state.grants.exchange(code, client.id, redirect_uri, form.get("code_verifier"))

    def _refresh(self, form: Mapping[str, str], client: Client) -> Issued:
        token = _require(form, "refresh_token")
        grant = self._state.grants.grant_of(token)
        if grant and self._state.user(grant.email).deleted:
            raise oauth_error(400, "invalid_grant", "Account has been deleted")
        return self._state.grants.refresh(token, client, tuple(form.get("scope", "").split()))

    def _answer(self, issued: Issued, client: Client) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "access_token": issued.access.token,
            "expires_in": int(ACCESS_LIFE.total_seconds()) - 1,
            "scope": " ".join(issued.access.scopes),
            "token_type": "Bearer",
        }
        if issued.refresh_token:
            answer["refresh_token"] = issued.refresh_token
        if "openid" in issued.access.scopes:
            answer["id_token"] = self._id_token(issued, client)
        return answer

    def _id_token(self, issued: Issued, client: Client) -> str:
        now = self._state.now()
        claims = {
            "iss": ISSUER,
            "azp": client.id,
            "aud": client.id,
            **_identity(self._state.user(issued.access.grant.email)),
            "iat": int(now.timestamp()),
            "exp": int((now + ID_TOKEN_LIFE).timestamp()),
        }
        if issued.nonce:
            claims["nonce"] = issued.nonce
        return signing_key().sign(claims)


async def text_form(request: web.Request) -> dict[str, str]:
    """The form's text fields; the body is kept, so that it may be read again."""
    return {name: value for name, value in (await request.post()).items() if isinstance(value, str)}


def _identity(user: User) -> dict[str, Any]:
    return {"sub": user.sub, "email": user.email, "email_verified": True}


def _require(form: Mapping[str, str], name: str) -> str:
    value = form.get(name)
    if not value:
        raise oauth_error(400, "invalid_request", f"Missing required parameter: {name}")
    return value


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise oauth_error(401, "invalid_client", "Unauthorized") from error
    return unquote(client_id), unquote(secret)
