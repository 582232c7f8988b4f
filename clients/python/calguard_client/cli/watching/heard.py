"""The events of a watch that goes on by itself, as a command reads them.

1. Where the very first stream cannot be had, the command fails: most often the address is wrong.
2. After that the watch goes on through whatever breaks; what refuses it for good fails the command. It is there as soon
   as a connection can be had again: a person waits for it.
3. The token moves on once an event has been dealt with, so that a change is rather told twice than not at all.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from calguard.v1.watch_pb2 import WatchRequest
from calguard_client.cli.failures import WatchEndedError
from calguard_client.cli.session import Session
from calguard_client.cli.watching.bookmark import Bookmark
from calguard_client.cli.watching.opening import PatientWatch
from calguard_client.refusal import Refusal
from calguard_client.watching.events import Interrupted, WatchEvent
from calguard_client.watching.resumption import Resumption
from calguard_client.watching.watch import Watch

HARMLESS = (grpc.StatusCode.OK, grpc.StatusCode.OUT_OF_RANGE, grpc.StatusCode.INVALID_ARGUMENT)
"""How a stream may end without trouble: in good order, or because its token leads nowhere any more."""


@contextmanager
def open_watch(session: Session, request: WatchRequest) -> Iterator[Watch]:
    """Open a watch until the block ends."""
    chance = random.SystemRandom().random
    with PatientWatch(session.channel, Resumption(request, chance)) as watch:
        yield watch


def events_of(watch: Watch, bookmark: Bookmark) -> Iterator[WatchEvent]:
    """Read it for ever. Raises WatchEndedError."""
    heard = False
    try:
        for event in watch:
            if not heard and isinstance(event, Interrupted) and event.refusal.code not in HARMLESS:
                raise WatchEndedError(event.refusal, "")
            heard = heard or not isinstance(event, Interrupted)
            yield event
            bookmark.move(event.resume_token)
    except grpc.RpcError as error:
        refusal = Refusal.of(error)
        raise WatchEndedError(refusal, _hint(refusal, bookmark)) from error


def _hint(refusal: Refusal, bookmark: Bookmark) -> str:
    """Say what can be done about a token that is refused."""
    if bookmark.path is None or not refusal.reason.startswith("TOKEN_"):
        return ""
    return f"{bookmark.path} is kept for a watch with other filters: give them, or another file, or remove it"
