"""The errors of this library: one for every status of gRPC, so that callers catch what they can act on.

Each is a `grpc.RpcError` still, with `code()`, `details()` and the metadata that gRPC's own errors have.
"""

from collections.abc import Mapping
from typing import cast

import grpc
import grpc.aio

from calguard_client.refusal import BadField, Refusal


class CalguardError(grpc.aio.AioRpcError):
    """A call failed. What is raised is one of the classes below, or this one where a status is none of theirs."""

    def __init__(
        self,
        code: grpc.StatusCode,
        initial_metadata: grpc.aio.Metadata | None = None,
        trailing_metadata: grpc.aio.Metadata | None = None,
        details: str | None = None,
        debug_error_string: str | None = None,
    ) -> None:
        trailing = grpc.aio.Metadata() if trailing_metadata is None else trailing_metadata
        super().__init__(code, initial_metadata, trailing, details, debug_error_string)
        self.refusal = Refusal.of(self)

    @property
    def reason(self) -> str:
        """The named reason, such as `BOOKING_PAGE_NOT_FOUND`; empty where it was not the server that refused."""
        return self.refusal.reason

    @property
    def message(self) -> str:
        """What happened, in a sentence of English."""
        return self.refusal.message

    @property
    def metadata(self) -> Mapping[str, str]:
        """The facts that belong to the reason, as the contract names them."""
        return self.refusal.metadata

    @property
    def field_violations(self) -> tuple[BadField, ...]:
        """Each field of the request that was refused, and what was expected of it."""
        return self.refusal.fields

    def __str__(self) -> str:
        name = " ".join(filter(None, (self.refusal.code.name, self.reason)))
        fields = "; ".join(f"{each.field}: {each.description}" for each in self.field_violations)
        return f"{name}: {fields or self.message}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"


class InvalidArgumentError(CalguardError):
    """The request is wrong by itself; `field_violations` says where."""


class NotFoundError(CalguardError):
    """What was named does not exist."""


class AlreadyExistsError(CalguardError):
    """What was to be created exists."""


class FailedPreconditionError(CalguardError):
    """The state does not allow it."""


class AbortedError(CalguardError):
    """Something changed meanwhile, such as an etag: read again, and decide again."""


class OutOfRangeError(CalguardError):
    """A resume token is too old, or ahead of the store."""


class ResourceExhaustedError(CalguardError):
    """A limit is reached."""


class UnauthenticatedError(CalguardError):
    """The caller is not known: its token is missing, or no good."""


class PermissionDeniedError(CalguardError):
    """The caller is known, and may not do this."""


class UnimplementedError(CalguardError):
    """The server does not know this call: it is older than this library."""


class UnavailableError(CalguardError):
    """Nothing answered, or the server is about to stop, or Google cannot be asked: try again later."""


class DeadlineExceededError(CalguardError):
    """No answer in time. What was asked may have been done."""


class InternalError(CalguardError):
    """The server failed. Its log tells why; the message holds the id to look for."""


_ERRORS: Mapping[grpc.StatusCode, type[CalguardError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgumentError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExistsError,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPreconditionError,
    grpc.StatusCode.ABORTED: AbortedError,
    grpc.StatusCode.OUT_OF_RANGE: OutOfRangeError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhaustedError,
    grpc.StatusCode.UNAUTHENTICATED: UnauthenticatedError,
    grpc.StatusCode.PERMISSION_DENIED: PermissionDeniedError,
    grpc.StatusCode.UNIMPLEMENTED: UnimplementedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceededError,
    grpc.StatusCode.INTERNAL: InternalError,
}


def error_of(error: grpc.RpcError) -> CalguardError:
    """Answer the error that a failed call is told by."""
    if isinstance(error, CalguardError):
        return error
    call = cast("grpc.Call", error)  # every error of a channel is its call
    # A synchronous call that was cancelled would wait for its debug string for ever.
    debug = error.debug_error_string() if isinstance(error, grpc.aio.AioRpcError) else None
    trailing = grpc.aio.Metadata(*((key, value) for key, value in call.trailing_metadata() or ()))
    initial = grpc.aio.Metadata(*((key, value) for key, value in call.initial_metadata() or ()))
    kind = _ERRORS.get(call.code(), CalguardError)
    return kind(call.code(), initial, trailing, call.details(), debug)
