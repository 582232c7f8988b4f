"""Bearer JWTs (RFC 7519, RFC 8725): whose they are, by whom they are signed, and what they say of role and accounts.

1. A signature is verified by the algorithm of the key, and never by what the token asks for.
2. Issuer, audience, subject and expiry have to be there. Nothing of a token is told before its signature is good.
3. What was verified is kept by the token's hash, so that a call does not verify it again. Whether its key is still
   there, and its time not over, is looked at each time.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from joserfc import jwt
from joserfc.errors import ClaimError
from msgspec import Struct

from calguard_server.auth.caller_line import account_scope
from calguard_server.auth.callers import ROLES, Caller, Role
from calguard_server.auth.compact_jws import JwsError, header_of, verified_payload
from calguard_server.auth.jwks import ES256, RS256, Jwks, KeyId, SigningKey
from calguard_server.domain.errors import UnauthenticatedError
from calguard_server.domain.scope import EVERYTHING, Scope
from calguard_server.engine.ports.clock import Clock

EVERY_ACCOUNT = "*"
_KEPT_MAX = 4096
_SUBJECT = re.compile(r"[!-~]{1,255}")
_LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class SignedTokenRules(Struct, frozen=True):
    """What a token has to say. `accounts_claim` is empty where no token limits its caller."""

    issuer: str
    audience: str
    leeway: timedelta
    role_claim: str
    accounts_claim: str


class Verified(Struct, frozen=True):
    """A token's caller, and the key that vouches for it."""

    caller: Caller
    key: SigningKey


class SignedTokens:
    """Verifies tokens."""

    def __init__(self, rules: SignedTokenRules, jwks: Jwks, clock: Clock) -> None:
        self._rules = rules
        self._jwks = jwks
        self._clock = clock
        self._kept: OrderedDict[bytes, Verified] = OrderedDict()
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(clock.now().timestamp()),
            leeway=int(rules.leeway.total_seconds()),
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            sub={"essential": True},
            exp={"essential": True},
        )

    async def verify(self, digest: bytes, token: str) -> Verified:
        """Answer what a token says; `digest` is its hash.

        Raises UnauthenticatedError `TOKEN_UNKNOWN`, `TOKEN_EXPIRED`, `TOKEN_CLAIMS_REFUSED`, UnavailableError
        `KEYS_UNAVAILABLE`.
        """
        kept = self._kept.get(digest)
        if kept is None or not self._jwks.holds(kept.key):
            kept = self._kept[digest] = await self._verify(token)
            if len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(digest)
        return kept

    def caller(self, verified: Verified) -> Caller:
        """Answer whose a token is that was verified. Raises UnauthenticatedError once its key is trusted no more."""
        if not self._jwks.holds(verified.key):
            raise _unknown()
        return verified.caller

    async def _verify(self, token: str) -> Verified:
        key = await self._jwks.find(_key_id(token))
        try:
            claims = verified_payload(token, key)
        except JwsError:
            raise _unknown() from None
        try:
            self._claims.validate(dict(claims))
        except ClaimError as error:
            raise self._refusal(claims, error) from None
        return Verified(self._caller_of(claims), key)

    def _refusal(self, claims: Mapping[str, Any], error: ClaimError) -> UnauthenticatedError:
        if error.error != "expired_token":
            return _refused(error.claim)
        return UnauthenticatedError(
            "TOKEN_EXPIRED",
            "the token has expired: call with a new one",
            metadata={"expire_time": self._end(claims).isoformat()},
        )

    def _caller_of(self, claims: Mapping[str, Any]) -> Caller:
        if _SUBJECT.fullmatch(claims["sub"]) is None:
            raise _refused("sub")
        return Caller(f"jwt:{claims['sub']}", self._role(claims), self._end(claims), self._scope(claims))

    def _role(self, claims: Mapping[str, Any]) -> Role:
        said = claims.get(self._rules.role_claim)
        words = said if isinstance(said, list) else [said]
        roles = [ROLES[word] for word in words if isinstance(word, str) and word in ROLES]
        if not roles:
            raise _refused(self._rules.role_claim)
        return max(roles)

    def _scope(self, claims: Mapping[str, Any]) -> Scope:
        claim = self._rules.accounts_claim
        if not claim:
            return EVERYTHING
        said = claims.get(claim)
        if said == EVERY_ACCOUNT:
            return EVERYTHING
        if not isinstance(said, list) or not all(isinstance(each, str) for each in said):
            raise _refused(claim)
        try:
            return account_scope(said)
        except ValueError:
            raise _refused(claim) from None

    def _end(self, claims: Mapping[str, Any]) -> datetime:
        """Answer from when on a token is no good, the leeway included."""
        said = claims["exp"]
        seconds = min(said, _LATEST) if said >= 0 else 0  # what is no number of seconds at all is over, too
        return datetime.fromtimestamp(seconds, UTC) + self._rules.leeway


def looks_signed(token: str) -> bool:
    """Whether a token may be a JWT: three parts with dots between, the first of which is JSON in base64."""
    return token.startswith("ey") and token.count(".") == 2


def _key_id(token: str) -> KeyId:
    try:
        header = header_of(token)
    except JwsError:
        raise _unknown() from None
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in (RS256, ES256) or not isinstance(kid, str):
        raise _unknown()
    return KeyId(kid, algorithm)


def _unknown() -> UnauthenticatedError:
    return UnauthenticatedError(
        "TOKEN_UNKNOWN", "this server does not know the token, or not any more: ask its operator for another"
    )


def _refused(claim: str) -> UnauthenticatedError:
    return UnauthenticatedError(
        "TOKEN_CLAIMS_REFUSED",
        f"the token is signed as it should be, but its claim {claim} is missing or not what this server takes",
        metadata={"claim": claim},
    )
