"""What every call is given on its way out: a deadline, a request id, and who calls."""

from collections.abc import Sequence
from typing import TypeVar

import grpc
from google.protobuf.message import Message

from calguard_client.errors import UnavailableError
from calguard_client.options import ClientOptions, Token

Pairs = Sequence[tuple[str, str]]
Request = TypeVar("Request")

_REQUEST_ID = "request_id"


def no_token(error: Exception) -> UnavailableError:
    """Answer how a call fails whose token could not be had; what went wrong is its cause, and not in its words."""
    return UnavailableError(grpc.StatusCode.UNAVAILABLE, details=f"no token could be had: {type(error).__name__}")


class Outgoing:
    """Prepares calls, of asyncio or not."""

    def __init__(self, options: ClientOptions) -> None:
        self._options = options

    @property
    def token(self) -> Token:
        """The token, or how to get it."""
        return self._options.token

    def deadline(self, given: float | None) -> float:
        """Answer the seconds that a call may take."""
        return self._options.timeout.total_seconds() if given is None else given

    def metadata(self, given: Pairs | None, token: str) -> list[tuple[str, str]]:
        """Answer what goes along with a call; `authorization` that the caller gave is left alone."""
        pairs = [*self._options.metadata, *(given or ())]
        if token and not any(key.lower() == "authorization" for key, _ in pairs):
            pairs.append(("authorization", f"Bearer {token}"))
        return pairs

    def repeatable(self, request: Request) -> Request:
        """Answer the request with a request id, where it takes one and has none. The caller's own is not touched.

        gRPC sends the same bytes at each attempt, so a call that is made again is known to the server as the same.
        """
        if not isinstance(request, Message) or _REQUEST_ID not in request.DESCRIPTOR.fields_by_name:
            return request
        if getattr(request, _REQUEST_ID):
            return request
        named = type(request)()
        named.CopyFrom(request)
        setattr(named, _REQUEST_ID, self._options.new_request_id())
        return named
