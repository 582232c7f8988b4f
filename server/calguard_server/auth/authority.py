"""Says who calls and what they may do, by the callers that are known right now."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from calguard_server.auth.callers import Caller, Callers, Role
from calguard_server.auth.certificates import ClientTrust, PeerCertificate, identity_of
from calguard_server.auth.signed_tokens import SignedTokens, looks_signed
from calguard_server.auth.tokens import bearer_digest, bearer_token
from calguard_server.domain.errors import PermissionDeniedError, UnauthenticatedError
from calguard_server.engine.ports.clock import Clock

Credential = Callable[[], Caller]
"""Answers whose a credential is. Raises UnauthenticatedError where nobody knows it, or not any more."""


class Authority:
    """Knows the callers. `callers` may be replaced at any time, and what is asked afterwards is answered by the new.

    `trust` says who signs the certificates of callers, `signed` verifies JWTs; without them nobody is known by one.
    """

    def __init__(
        self, callers: Callers, clock: Clock, trust: ClientTrust | None = None, signed: SignedTokens | None = None
    ) -> None:
        self.callers = callers
        self.trust = trust
        self._signed = signed
        self._clock = clock

    async def identify(self, authorization: str, role: Role) -> "Permit":
        """Tell who calls, by `Bearer TOKEN`, for what takes a role. Whether they may is for `Permit.check` to say.

        Raises UnauthenticatedError `TOKEN_MISSING` or `TOKEN_UNKNOWN`, and what SignedTokens.verify raises.
        """
        digest = bearer_digest(authorization)
        if digest is None:
            raise UnauthenticatedError(
                "TOKEN_MISSING",
                "this server lets in nobody without a token: send the metadata authorization: Bearer TOKEN",
            )
        return Permit(await self._credential(digest, authorization), "token", role, self._clock)

    def identify_peer(self, certificate: PeerCertificate, role: Role) -> "Permit":
        """Tell who calls, by the certificate of the connection, likewise.

        Raises UnauthenticatedError `CERTIFICATE_UNKNOWN`, `CERTIFICATE_UNTRUSTED`.
        """
        return Permit(partial(self._of_certificate, certificate), "certificate", role, self._clock)

    async def _credential(self, digest: bytes, authorization: str) -> Credential:
        """Tell a JWT from a token of the file. One that the file has is what the file says."""
        if self._signed is None or digest in self.callers or not looks_signed(token := bearer_token(authorization)):
            return partial(self._of_token, digest)
        return partial(self._signed.caller, await self._signed.verify(digest, token))

    def _of_token(self, digest: bytes) -> Caller:
        caller = self.callers.get(digest)
        if caller is None:
            raise UnauthenticatedError(
                "TOKEN_UNKNOWN", "this server does not know the token, or not any more: ask its operator for another"
            )
        return caller

    def _of_certificate(self, certificate: PeerCertificate) -> Caller:
        identity = identity_of(certificate.leaf)
        names = identity.names if identity else ()
        caller = next((self.callers[name] for name in names if name in self.callers), None)
        if identity is None or caller is None:
            raise UnauthenticatedError(
                "CERTIFICATE_UNKNOWN",
                "this server knows none of the names in the certificate, or not any more: ask its operator, or send "
                "the metadata authorization: Bearer TOKEN",
            )
        if self.trust is None or not self.trust.trusts(certificate):
            raise UnauthenticatedError(
                "CERTIFICATE_UNTRUSTED",
                "this server no longer trusts who signed the certificate: ask its operator for another",
            )
        return replace(caller, expires=_earliest(caller.expires, identity.expires))


class Permit:
    """That a caller may do what takes a role: good for as long as `check` says so.

    `name` and `scope` are the caller's, as of the beginning of the call.
    """

    __slots__ = ("_clock", "_credential", "_kind", "_role", "name", "scope")

    def __init__(self, credential: Credential, kind: str, role: Role, clock: Clock) -> None:
        caller = credential()
        self.name = caller.name
        self.scope = caller.scope
        self._credential = credential
        self._kind = kind
        self._role = role
        self._clock = clock

    def check(self) -> None:
        """Refuse the caller unless the credential is good by now, and gives the role or one that includes it.

        Raises UnauthenticatedError `TOKEN_UNKNOWN`, `TOKEN_EXPIRED` or the like of a certificate, PermissionDeniedError
        `ROLE_TOO_SMALL`, `SCOPE_CHANGED`.
        """
        caller = self._credential()
        if caller.expires is not None and caller.expires <= self._clock.now():
            raise UnauthenticatedError(
                f"{self._kind.upper()}_EXPIRED",
                f"the {self._kind} has expired: ask this server's operator for another",
                metadata={"expire_time": caller.expires.isoformat()},
            )
        if caller.role < self._role:
            raise PermissionDeniedError(
                "ROLE_TOO_SMALL",
                f"this takes the role {self._role.word}; {caller.name} is a {caller.role.word}",
                metadata={"needed_role": self._role.word, "role": caller.role.word},
            )
        if caller.scope != self.scope:
            raise PermissionDeniedError(
                "SCOPE_CHANGED", f"the accounts that {caller.name} may see are others by now: call again"
            )


def _earliest(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)
