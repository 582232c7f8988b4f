"""What one run of the command works with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import click
import grpc
from google.protobuf.message import Message

from calguard_client.cli.cells import clean
from calguard_client.cli.screen import Screen
from calguard_client.cli.table import Cell

Request = TypeVar("Request")
Answer = TypeVar("Answer")
Resource = TypeVar("Resource", bound=Message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A connection, the options given, and where the answers go.

    `timeout` is a single call's. `pause` waits for so many seconds, `now` is in UTC.
    """

    server: str
    as_json: bool
    timeout: timedelta
    channel: grpc.Channel
    screen: Screen
    new_request_id: Callable[[], str]
    pause: Callable[[float], None]
    now: Callable[[], datetime]

    def call(self, method: "grpc.UnaryUnaryMultiCallable[Request, Answer]", request: Request) -> Answer:
        """Call once. Raises grpc.RpcError."""
        return method(request, timeout=self.timeout.total_seconds())

    def show(self, resource: Resource, details: Callable[[Resource], Sequence[tuple[str, Cell]]]) -> None:
        """Show one resource whole."""
        if self.as_json:
            self.screen.document(resource)
        else:
            self.screen.details(details(resource))

    def done(self, answer: Message, text: str) -> None:
        """Tell that something was done."""
        if self.as_json:
            self.screen.document(answer)
        else:
            self.screen.line(clean(text))


pass_session = click.make_pass_decorator(Session)
