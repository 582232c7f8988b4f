"""The latest changes in memory, framed once for all streams; what falls out of it is read from the durable log."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from calguard_server.engine.ports import LogEntry
from calguard_server.watch.frames import frame


@dataclass(frozen=True, slots=True)
class Batch:
    """The changes of one transaction; `frames` are as many as `entries`. `revision` is the last one's."""

    revision: int
    entries: tuple[LogEntry, ...]
    frames: tuple[bytes, ...]


def batches(entries: Sequence[LogEntry]) -> Iterator[Batch]:
    """Group consecutive changes by their transaction."""
    for revision, group in groupby(entries, key=lambda entry: entry.commit_revision):
        together = tuple(group)
        yield Batch(revision, together, tuple(frame(entry.encoded) for entry in together))


class Ring:
    """The latest transactions, oldest first, at most `capacity` changes. `floor`: it holds all after that revision."""

    def __init__(self, capacity: int, revision: int) -> None:
        self.floor = revision
        self.revision = revision
        self._capacity = capacity
        self._batches: deque[Batch] = deque()
        self._size = 0

    def append(self, entries: Sequence[LogEntry]) -> None:
        """Take in the changes of a commit."""
        for batch in batches(entries):
            self._batches.append(batch)
            self._size += len(batch.entries)
            self.revision = batch.revision
        while self._size > self._capacity:
            dropped = self._batches.popleft()
            self._size -= len(dropped.entries)
            self.floor = dropped.revision

    def after(self, revision: int) -> list[Batch] | None:
        """Answer the transactions after a revision; None where some of them have fallen out."""
        if revision < self.floor:
            return None
        newer: list[Batch] = []
        for batch in reversed(self._batches):
            if batch.revision <= revision:
                break
            newer.append(batch)
        newer.reverse()
        return newer
