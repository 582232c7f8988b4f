"""Verifying who consented: Google's ID token, and the certificates that its signature is checked with.

Source: "OpenID Connect", section "Validating an ID token", in Google's identity documentation.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.auth import jwt
from google.auth.exceptions import GoogleAuthError

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.provider_errors import IdentityUnverifiedError, ProviderFailureError
from calguard_server.google.answers import Answer, Call, Endpoint, Outcome
from calguard_server.google.bodies import parse_json, text_in
from calguard_server.google.classify import classify
from calguard_server.google.options import GoogleOptions
from calguard_server.google.transport import Transport

ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})

CLOCK_SKEW = timedelta(minutes=1)
"""How far our clock and Google's may differ."""

ANY_TIME = 1 << 40
"""In seconds. google-auth compares `iat` and `exp` with a clock of its own, and takes no other: with this much leeway
its comparison always holds, and `_claims_fault` makes it with our clock."""

Certificates = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who consented: `subject` never changes, `email` may."""

    subject: str
    email: str


class CertificateStore:
    """Google's signing certificates, PEM by key id, kept as long as their Cache-Control allows."""

    def __init__(self, transport: Transport, options: GoogleOptions, clock: Clock) -> None:
        self._transport = transport
        self._uri = options.certs_uri
        self._clock = clock
        self._held: Certificates = {}
        self._fresh_until: datetime | None = None

    async def get(self, key_id: str) -> Certificates:
        """Answer the certificates; asked for a key that is not among them, fetch once whether it is new.

        Raises ProviderFailureError.
        """
        fresh = self._fresh_until is not None and self._clock.now() < self._fresh_until
        if not fresh or key_id not in self._held:
            await self._fetch()
        return self._held

    async def _fetch(self) -> None:
        came_back = await self._transport.send("GET", self._uri)
        now = self._clock.now()
        verdict = classify(Call(Endpoint.CERTIFICATES), came_back, now)
        if verdict.outcome is not Outcome.DONE or not isinstance(came_back, Answer):
            raise ProviderFailureError(verdict.findings[0])
        content = parse_json(came_back.body)
        self._held = {name: text_in(content, name) for name in content} if isinstance(content, dict) else {}
        self._fresh_until = now + max_age(came_back.header("cache-control"))


class IdentityVerifier:
    """Verifies ID tokens that were issued to our OAuth client."""

    def __init__(self, certificates: CertificateStore, options: GoogleOptions, clock: Clock) -> None:
        self._certificates = certificates
        self._audience = options.client_id
        self._clock = clock

    async def verify(self, id_token: str) -> Identity:
        """Answer whose ID token it is.

        Raises IdentityUnverifiedError, and ProviderFailureError where the certificates cannot be had.
        """
        certificates = await self._certificates.get(_key_id(id_token))
        claims = self._signed_claims(id_token, certificates)
        if text_in(claims, "iss") not in ISSUERS:
            raise IdentityUnverifiedError("the ID token is not Google's")
        fault = _claims_fault(claims, self._clock.now())
        if fault:
            raise IdentityUnverifiedError(fault, subject=text_in(claims, "sub"))
        return Identity(text_in(claims, "sub"), text_in(claims, "email"))

    def _signed_claims(self, id_token: str, certificates: Certificates) -> Mapping[str, Any]:
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]
                id_token, certs=certificates, audience=self._audience, clock_skew_in_seconds=ANY_TIME
            )
        except (GoogleAuthError, ValueError, TypeError):
            # Not chained: the library's texts quote the token.
            raise IdentityUnverifiedError("the ID token is not signed by Google for this client") from None
        return claims


def _key_id(id_token: str) -> str:
    try:
        header: object = jwt.decode_header(id_token)  # type: ignore[no-untyped-call]
    except (GoogleAuthError, ValueError):
        raise IdentityUnverifiedError("the ID token is missing or unreadable") from None
    key_id = text_in(header, "kid")
    if not key_id:
        raise IdentityUnverifiedError("the ID token does not name its key")
    return key_id


def _claims_fault(claims: Mapping[str, Any], now: datetime) -> str:
    """Tell what is wrong with claims whose signature, audience and issuer are right; empty where nothing is."""
    moment, skew = now.timestamp(), CLOCK_SKEW.total_seconds()
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(issued, int) or issued > moment + skew:
        return "the ID token is from the future"
    if not isinstance(expires, int) or expires <= moment - skew:
        return "the ID token has expired"
    if not text_in(claims, "sub") or not text_in(claims, "email"):
        return "the ID token does not say whose it is"
    return "" if claims.get("email_verified") is True else "the e-mail address is not verified"


def max_age(cache_control: str) -> timedelta:
    """Answer how long an answer may be kept; nothing where its Cache-Control does not say."""
    found = re.search(r"(?:^|[\s,])max-age=(\d{1,9})(?!\d)", cache_control.lower())
    return timedelta(seconds=int(found[1])) if found else timedelta()
