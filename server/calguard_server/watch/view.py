"""What one filter sees of the log, as the messages that its streams are sent."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from calguard_server.domain.events import WatchMode
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch import frames
from calguard_server.watch.filters import Passage, judge_of
from calguard_server.watch.ring import Batch
from calguard_server.watch.tokens import TokenMint, filter_hash

_MESSAGE_BYTES = 1024 * 1024
"""How large a message grows, unless one transaction is larger. Clients take 4 MiB unless they are told otherwise."""

_SUFFIXES = {Passage.WITHIN: b"", Passage.ENTERED: frames.ENTERED, Passage.LEFT: frames.LEFT}

ViewKey = tuple[bytes, WatchMode]
"""Tells views apart that see different things."""


class Message(Struct, frozen=True):
    """A WatchResponse up to a revision; `encoded` is empty where nothing up to it is to be sent."""

    revision: int
    encoded: bytes


def view_key(spec: WatchSpec) -> ViewKey:
    """Answer the key of the view that a watch is served by."""
    return filter_hash(spec), spec.mode


class View:
    """Joins transactions into messages. Streams with the same filter and mode share one."""

    def __init__(self, store_id: str, epoch: str, spec: WatchSpec) -> None:
        self.key = view_key(spec)
        self.mint = TokenMint(store_id, epoch, spec)
        self._judge = judge_of(spec)
        self._latest_only = spec.mode is WatchMode.LATEST

    def message(self, transactions: Iterable[Batch], revision: int) -> Message:
        """Build the next message after a revision: of a bounded size, but never splitting a transaction."""
        waiting, size = dict[object, bytes](), 0
        for batch in transactions:
            frames_of_batch = list(self._frames(batch))
            grown = size + sum(len(framed) for _, framed in frames_of_batch)
            if waiting and grown > _MESSAGE_BYTES:
                break
            for key, framed in frames_of_batch:
                grown -= len(waiting.pop(key, b""))  # taken out first, so that it comes in by its own revision's place
                waiting[key] = framed
            size, revision = grown, batch.revision
        return Message(revision, frames.response(waiting.values(), self.mint.make(revision)) if waiting else b"")

    def _frames(self, batch: Batch) -> Iterator[tuple[object, bytes]]:
        """Frame the changes that pass, under what a later change replaces them by."""
        judge = self._judge
        for entry in batch.entries:
            passage = Passage.WITHIN if judge is None else judge(entry)
            if passage is not None:
                yield self._replaced_by(entry), frames.frame(entry.encoded + _SUFFIXES[passage])

    def _replaced_by(self, entry: LogEntry) -> object:
        return (entry.kind, entry.resource_id) if self._latest_only else entry.revision
