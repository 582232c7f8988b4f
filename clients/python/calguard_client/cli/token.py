"""The token by which a server knows who calls: where it is read, and how it goes along. Never from an argument."""

import re
from collections.abc import Callable
from typing import IO, Any

import click
import grpc

TOKEN_VARIABLE = "CALGUARD_TOKEN"  # noqa: S105 - a name

_TOKEN = re.compile(r"[!-~]+")  # what a header may hold, without spaces
_EXPECTED = "expected one token: visible ASCII characters, without spaces"

Continuation = Callable[[Any, Any], Any]


def read_token(file: IO[str] | None, environment: str) -> str:
    """Read the token from the file, if one is given, else from the environment; empty where there is none.

    Raises BadParameter, which does not show it.
    """
    if file is None:
        return _checked(environment.strip(), TOKEN_VARIABLE) if environment else ""
    try:
        return _checked(file.read().strip(), "--auth-token-file")
    except (OSError, UnicodeDecodeError):
        raise click.BadParameter(_EXPECTED, param_hint="--auth-token-file") from None


def with_token(channel: grpc.Channel, token: str) -> grpc.Channel:
    """Answer the channel, on which each call carries the token; the same channel where it is empty."""
    return grpc.intercept_channel(channel, _TokenInterceptor(token)) if token else channel


def _checked(token: str, source: str) -> str:
    if _TOKEN.fullmatch(token) is None:
        raise click.BadParameter(_EXPECTED, param_hint=source)
    return token


class _Details(grpc.ClientCallDetails):
    """What is changed of a call; gRPC takes the rest from the call as it was."""

    def __init__(self, details: Any, token: str) -> None:  # noqa: ANN401 - gRPC's own class is private
        self.metadata = (*(details.metadata or ()), ("authorization", f"Bearer {token}"))


class _TokenInterceptor(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds the token to each call."""

    def __init__(self, token: str) -> None:
        self._token = token

    def intercept_unary_unary(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        """Make a call that has one answer."""
        return continuation(_Details(client_call_details, self._token), request)

    def intercept_unary_stream(self, continuation: Continuation, client_call_details: Any, request: Any) -> Any:  # noqa: ANN401
        """Open a stream."""
        return continuation(_Details(client_call_details, self._token), request)
