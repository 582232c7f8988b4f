"""What can be refused, and why: each error is one kind of refusal with a named reason.

`reason` is UPPER_SNAKE and part of the contract; the text is for people and says what the caller can do. Neither
ever holds a secret or a library's own words.
"""

from collections.abc import Iterable, Mapping
from itertools import islice

from msgspec import Struct


class FieldViolation(Struct, frozen=True):
    """A field of a request that is wrong: its path as the caller wrote it, and what was expected."""

    field: str
    expected: str


def named_ids(ids: Iterable[str]) -> str:
    """Write ids as an error names them: comma-separated, twenty at most."""
    return ",".join(islice(ids, 20))


class CalguardError(Exception):
    """A refusal that the caller is told about.

    `metadata` is machine-readable detail (ids, names); `violations` names each bad field of the request. `retry_after`
    is in how many seconds the call may be made again; 0 where that is not known.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        retry_after: float = 0,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.retry_after = retry_after


class InvalidArgumentError(CalguardError):
    """The request is wrong in itself, whatever the state."""

    @classmethod
    def of_field(cls, reason: str, field: str, problem: str) -> "InvalidArgumentError":
        """Refuse a request for one field, with a reason of its own."""
        return cls(reason, f"{field}: {problem}", violations=(FieldViolation(field, problem),))

    @classmethod
    def of_fields(cls, *violations: FieldViolation) -> "InvalidArgumentError":
        """Refuse a request for the fields named; the text lists them."""
        text = "; ".join(f"{each.field}: {each.expected}" for each in violations)
        return cls("INVALID_FIELD", text, violations=violations)


class UnauthenticatedError(CalguardError):
    """Nobody knows who calls: there is no token, or none that is good."""


class PermissionDeniedError(CalguardError):
    """It is known who calls, and that they may not."""


class NotFoundError(CalguardError):
    """What the request names does not exist."""


class AlreadyExistsError(CalguardError):
    """What the request would create exists."""


class FailedPreconditionError(CalguardError):
    """The state does not allow it; repeating the call is of no use until the state has changed."""


class IllegalTransitionError(FailedPreconditionError):
    """A state machine has no such move from the state it is in. Nothing has changed."""

    def __init__(self, machine: str, state: str, trigger: str, advice: str = "") -> None:
        super().__init__(
            "ILLEGAL_TRANSITION",
            f"a {machine} that is {state} cannot {trigger.replace('_', ' ').lower()}{advice}",
            metadata={"state": state, "trigger": trigger},
        )


class AbortedError(CalguardError):
    """Somebody else changed it meanwhile: read it again, then repeat."""


class OutOfRangeError(CalguardError):
    """A position that is not, or no longer, there."""


class ResourceExhaustedError(CalguardError):
    """A limit is reached."""


class UnavailableError(CalguardError):
    """It cannot be done right now; repeating the call later may work. Nothing has changed."""


class DeadlineExceededError(CalguardError):
    """It took longer than a call may take here, and was broken off; whether it was done is not known."""
