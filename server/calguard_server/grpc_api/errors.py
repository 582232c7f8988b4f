"""The one table of what is refused and its gRPC status, and the details that go with it.

An error travels in `grpc-status-details-bin`: google.rpc.ErrorInfo always, BadRequest where fields are wrong,
RetryInfo where calling again may help. Clients refuse trailers of more than 8 KiB, and the text goes twice, once
percent-encoded and once in base64: so each part has a budget, and what is over it is left out, never the whole error.
"""

from collections.abc import Iterable
from typing import NamedTuple

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no py.typed

from calguard_server.domain import errors

ERROR_DOMAIN = "calguard.v1"
DETAILS_KEY = "grpc-status-details-bin"
RETRY_AFTER_SECONDS = 1

STATUS_OF: dict[type[errors.CalguardError], grpc.StatusCode] = {
    errors.InvalidArgumentError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.UnauthenticatedError: grpc.StatusCode.UNAUTHENTICATED,
    errors.PermissionDeniedError: grpc.StatusCode.PERMISSION_DENIED,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExistsError: grpc.StatusCode.ALREADY_EXISTS,
    errors.FailedPreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.IllegalTransitionError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AbortedError: grpc.StatusCode.ABORTED,
    errors.OutOfRangeError: grpc.StatusCode.OUT_OF_RANGE,
    errors.ResourceExhaustedError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.UnavailableError: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceededError: grpc.StatusCode.DEADLINE_EXCEEDED,
}

_TEXT_BYTES = 700
_METADATA_BYTES = 1_500
_VIOLATIONS_BYTES = 1_500
_EXPECTED_BYTES = 300


class Refusal(NamedTuple):
    """How a call is ended: by this status and text, with these bytes in `grpc-status-details-bin`."""

    code: grpc.StatusCode
    text: str
    details: bytes


def status_of(error: errors.CalguardError) -> grpc.StatusCode:
    """Answer the status of an error: that of its class, or of the nearest class above it that has one."""
    for kind in type(error).__mro__:
        if kind in STATUS_OF:
            return STATUS_OF[kind]
    return grpc.StatusCode.INTERNAL


def refusal_of(error: errors.CalguardError) -> Refusal:
    """Answer how an error is told."""
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=_metadata_of(error))
    ]
    if error.violations:
        details.append(error_details_pb2.BadRequest(field_violations=_violations_of(error.violations)))
    if retry_after := error.retry_after or (RETRY_AFTER_SECONDS if isinstance(error, errors.UnavailableError) else 0):
        seconds, fraction = divmod(retry_after, 1)
        delay = Duration(seconds=int(seconds), nanos=round(fraction * 1000) * 1_000_000)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _packed(status_of(error), error.message, details)


def internal_refusal(error_id: str) -> Refusal:
    """Answer what is told of an error that nobody foresaw: the id under which the log has it, and nothing else."""
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=ERROR_DOMAIN, metadata={"error_id": error_id})
    text = f"something went wrong in the server; tell its operator the error id {error_id}"
    return _packed(grpc.StatusCode.INTERNAL, text, [info])


def _packed(code: grpc.StatusCode, text: str, details: Iterable[Message]) -> Refusal:
    status = status_pb2.Status(code=code.value[0], message=_cut(text, _TEXT_BYTES))
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return Refusal(code, status.message, status.SerializeToString())


def _metadata_of(error: errors.CalguardError) -> dict[str, str]:
    left = _METADATA_BYTES
    kept = {}
    for name, value in error.metadata.items():
        kept[name] = _cut(value, left)
        left = max(0, left - len(kept[name].encode()))
    return kept


def _violations_of(
    violations: Iterable[errors.FieldViolation],
) -> list[error_details_pb2.BadRequest.FieldViolation]:
    left = _VIOLATIONS_BYTES
    kept = []
    for violation in violations:
        told = error_details_pb2.BadRequest.FieldViolation(
            field=violation.field, description=_cut(violation.expected, _EXPECTED_BYTES)
        )
        left -= told.ByteSize()
        if left < 0:
            break
        kept.append(told)
    return kept


def _cut(text: str, size: int) -> str:
    """Cut a text to so many bytes of UTF-8, on a character's border; what UTF-8 cannot hold becomes a question mark."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return encoded.decode()
    return encoded[: max(0, size - 3)].decode(errors="ignore") + "..."[:size]
