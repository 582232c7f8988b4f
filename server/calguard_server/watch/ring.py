"""The latest changes in memory, for all streams; what falls out of it is read from the durable log."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby

from msgspec import Struct

from calguard_server.engine.ports.log import LogEntry

_KEYS_BYTES = 300
"""About what an entry takes besides its encoded change."""


class Batch(Struct, frozen=True):
    """The changes of one transaction. `revision` is the last one's, `size` about the bytes of memory they take."""

    revision: int
    entries: tuple[LogEntry, ...]
    size: int


def batches(entries: Sequence[LogEntry]) -> Iterator[Batch]:
    """Group consecutive changes by their transaction."""
    for revision, group in groupby(entries, key=lambda entry: entry.commit_revision):
        together = tuple(group)
        yield Batch(revision, together, sum(len(entry.encoded) + _KEYS_BYTES for entry in together))


class Ring:
    """The latest transactions, oldest first, of about `capacity` bytes. `floor`: it holds all after that revision."""

    def __init__(self, capacity: int, revision: int) -> None:
        self.floor = revision
        self.revision = revision
        self._capacity = capacity
        self._batches: list[Batch] = []
        self._revisions: list[int] = []
        self._dropped = 0  # how many of the lists' first batches have fallen out, and await their removal
        self._size = 0

    def append(self, entries: Sequence[LogEntry]) -> None:
        """Take in the changes of a commit."""
        for batch in batches(entries):
            self._batches.append(batch)
            self._revisions.append(batch.revision)
            self._size += batch.size
            self.revision = batch.revision
        while self._size > self._capacity:
            oldest = self._batches[self._dropped]
            self._dropped += 1
            self._size -= oldest.size
            self.floor = oldest.revision
        if self._dropped > len(self._batches) // 4:  # so that one removal is paid for by many drops
            del self._batches[: self._dropped], self._revisions[: self._dropped]
            self._dropped = 0

    def after(self, revision: int, up_to: int) -> Iterator[Batch] | None:
        """Iterate over the transactions after a revision up to another; None where some of them have fallen out."""
        if revision < self.floor:
            return None
        return self._between(revision, up_to)

    def _between(self, revision: int, up_to: int) -> Iterator[Batch]:
        for position in range(bisect_right(self._revisions, revision, lo=self._dropped), len(self._batches)):
            batch = self._batches[position]
            if batch.revision > up_to:
                return
            yield batch
