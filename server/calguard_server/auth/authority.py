"""Says who calls and what they may do, by the callers that are known right now."""

from calguard_server.auth.callers import Caller, Callers, Role
from calguard_server.auth.tokens import bearer_digest
from calguard_server.domain.errors import PermissionDeniedError, UnauthenticatedError
from calguard_server.engine.ports import Clock


class Authority:
    """Knows the callers. `callers` may be replaced at any time, and what is asked afterwards is answered by the new."""

    def __init__(self, callers: Callers, clock: Clock) -> None:
        self.callers = callers
        self._clock = clock

    def identify(self, authorization: str, role: Role) -> "Permit":
        """Tell who calls, by `Bearer TOKEN`, for what takes a role. Whether they may is for `Permit.check` to say.

        Raises UnauthenticatedError `TOKEN_MISSING` or `TOKEN_UNKNOWN`.
        """
        digest = bearer_digest(authorization)
        if digest is None:
            raise UnauthenticatedError(
                "TOKEN_MISSING",
                "this server lets in nobody without a token: send the metadata authorization: Bearer TOKEN",
            )
        return Permit(self, digest, self._known(digest).name, role)

    def check(self, digest: bytes, role: Role) -> None:
        """Refuse a token unless it is good by now, and gives its caller the role or one that includes it.

        Raises UnauthenticatedError `TOKEN_UNKNOWN` or `TOKEN_EXPIRED`, PermissionDeniedError `ROLE_TOO_SMALL`.
        """
        caller = self._known(digest)
        if caller.expires is not None and caller.expires <= self._clock.now():
            raise UnauthenticatedError(
                "TOKEN_EXPIRED",
                "the token has expired: ask this server's operator for another",
                metadata={"expire_time": caller.expires.isoformat()},
            )
        if caller.role < role:
            raise PermissionDeniedError(
                "ROLE_TOO_SMALL",
                f"this takes the role {role.word}; {caller.name} is a {caller.role.word}",
                metadata={"needed_role": role.word, "role": caller.role.word},
            )

    def _known(self, digest: bytes) -> Caller:
        caller = self.callers.get(digest)
        if caller is None:
            raise UnauthenticatedError(
                "TOKEN_UNKNOWN", "this server does not know the token, or not any more: ask its operator for another"
            )
        return caller


class Permit:
    """That a caller may do what takes a role: good for as long as `check` says so. `name` is the caller's."""

    __slots__ = ("_authority", "_digest", "_role", "name")

    def __init__(self, authority: Authority, digest: bytes, name: str, role: Role) -> None:
        self.name = name
        self._authority = authority
        self._digest = digest
        self._role = role

    def check(self) -> None:
        """Refuse the caller once they may not any more. Raises what Authority.check raises."""
        self._authority.check(self._digest, self._role)
