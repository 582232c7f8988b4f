"""Which call a line of the log belongs to: the id that its caller sent as `x-request-id`, or one of ours.

It is made when the first line needs it: most calls log nothing.
"""

import re
import secrets
from collections.abc import MutableMapping, Sequence
from contextvars import ContextVar
from typing import Any

REQUEST_ID = "x-request-id"
Metadata = Sequence[tuple[str, str | bytes]]

_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=-]{0,63}")


class RequestId:
    """The id of one call."""

    __slots__ = ("_id", "metadata")

    def __init__(self, metadata: Metadata) -> None:
        self.metadata = metadata
        self._id = ""

    def read(self) -> str:
        """Answer the id; what a caller sent that is no plain id is not taken over."""
        if not self._id:
            sent = next((str(value) for key, value in self.metadata if key == REQUEST_ID), "")
            self._id = sent if _VALID.fullmatch(sent) else secrets.token_hex(8)
        return self._id


_current: ContextVar[RequestId | None] = ContextVar("request_id", default=None)


def begin_call(metadata: Metadata) -> None:
    """Have what is logged from here on, in this context and those that are made of it, belong to a call."""
    _current.set(RequestId(metadata))


def metadata_of_call() -> Metadata:
    """Answer the metadata of the call that is served in this context."""
    current = _current.get()
    return () if current is None else current.metadata


def add_request_id(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the id to a line of the log, where the line belongs to a call."""
    current = _current.get()
    if current is not None:
        event["request_id"] = current.read()
    return event
