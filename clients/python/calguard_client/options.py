"""How a client connects and calls."""

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import grpc

Token = str | Callable[[], str] | Callable[[], Awaitable[str]]

_TOKEN = re.compile(r"[!-~]+")
_LOOPBACK = ("127.", "localhost:", "[::1]", "ipv4:127.", "ipv6:[::1]", "unix:")


def new_request_id() -> str:
    """Answer a UUID of version 4."""
    return str(uuid.uuid4())  # noqa: TID251 - the client is where request ids come from


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How a client connects and calls.

    `credentials`: TLS, as `grpc.ssl_channel_credentials` makes it; None connects in plain text.
    `token`: sent as `authorization: Bearer TOKEN`. A function is asked before each call, and before each time that a
    watch is opened, so that a token may be renewed; with AsyncClient it may be a coroutine function. It is refused in
    plain text to another machine, unless `plaintext_token`.
    `metadata`: sent with every call.
    `timeout`: the deadline of a call that names none, all its attempts together. Streams have none.
    `connect_timeout`: an attempt at connecting is given up after it.
    `user_agent`: put in front of the library's own.
    `retry`: whether calls are made again that failed with UNAVAILABLE, where `call_kinds` says that it is safe.
    `new_request_id`: makes the UUIDs (version 4) of mutations that come without.
    """

    credentials: grpc.ChannelCredentials | None = None
    token: Token = ""
    plaintext_token: bool = False
    metadata: Sequence[tuple[str, str]] = ()
    timeout: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=20)
    user_agent: str = ""
    retry: bool = True
    new_request_id: Callable[[], str] = new_request_id

    def __post_init__(self) -> None:
        """Raise ValueError where the token could not be sent; a line's end after it, as files have, is left out."""
        token = "" if self.token is None else self.token  # type: ignore[redundant-expr] # who does not check types
        if isinstance(token, str):
            token = token.strip()
            if token and _TOKEN.fullmatch(token) is None:
                raise ValueError("token: expected visible ASCII characters, without spaces")
        object.__setattr__(self, "token", token)

    def refuse_exposed_token(self, address: str) -> None:
        """Raise ValueError where the token would be sent in plain text to another machine."""
        exposed = self.token and self.credentials is None and not address.startswith(_LOOPBACK)
        if exposed and not self.plaintext_token:
            raise ValueError(
                "token: would be sent in plain text to another machine: set credentials, or plaintext_token=True"
            )
