"""Why a call failed, read from the status and the details that the server sent with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Self, cast

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # ships no py.typed
from grpc_status import rpc_status


@dataclass(frozen=True, slots=True)
class BadField:
    """A field of the request that was refused: its path, and what was expected."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call failed. `reason` is empty where the answer is not Calguard's own: nothing answered, or not in time."""

    code: grpc.StatusCode
    reason: str
    message: str
    fields: tuple[BadField, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, error: grpc.RpcError) -> Self:
        """Read a failed call."""
        call = cast("grpc.Call", error)  # every error of a channel is its call
        info, fields = error_details_pb2.ErrorInfo(), tuple[BadField, ...]()
        for detail in _details(call):
            detail.Unpack(info)
            bad_request = error_details_pb2.BadRequest()
            if detail.Unpack(bad_request):
                fields = tuple(BadField(each.field, each.description) for each in bad_request.field_violations)
        return cls(call.code(), info.reason, call.details() or "", fields, dict(info.metadata))


def _details(call: grpc.Call) -> Iterator[AnyMessage]:
    try:
        status: status_pb2.Status | None = rpc_status.from_call(call)
    except (ValueError, DecodeError):  # the details contradict the status, or are none
        return
    if status is not None:
        yield from status.details
