"""Calls that may be repeated: what was answered is kept, and answered again."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from calguard_server.domain.errors import InvalidArgumentError

if TYPE_CHECKING:
    from calguard_server.engine.ports.store import Store


class Request(Struct, frozen=True):
    """A call that may be repeated: `fingerprint` tells whether it is the same call, `encode` keeps its answer."""

    id: str
    fingerprint: str
    encode: Callable[[Any], bytes]


class ReplayedError(Exception):
    """The request was done before: here is what it answered then."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the request was done before")
        self.answer = answer


class Answer(Struct, frozen=True):
    """The kept answer of a request."""

    fingerprint: str
    encoded: bytes


def refuse_replay(request: Request, answer: Answer | None) -> None:
    """Raise ReplayedError where a request was answered before; refuse an id that was used for another request."""
    if answer is None:
        return
    if answer.fingerprint != request.fingerprint:
        raise InvalidArgumentError.of_field("REQUEST_ID_REUSED", "request_id", "was used for another request before")
    raise ReplayedError(answer.encoded)


async def refuse_replay_of(store: "Store", request: Request | None) -> None:
    """Raise ReplayedError for a request that was done before, ahead of work that is not in its transaction."""
    if request is not None:
        refuse_replay(request, await store.answer(request.id))
