"""What the live table knows: the resources as they stand, what changed last, and how the watch is. No clock, no I/O."""

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from calguard.v1.watch_pb2 import StateChange
from calguard_client.cli.ago import seconds_of
from calguard_client.cli.cells import enum_name
from calguard_client.cli.watching.moves import key_of, move_of
from calguard_client.cli.watching.rows import severity
from calguard_client.mirroring.contents import Contents, Key, MirrorChange, Resource
from calguard_client.mirroring.freshness import Freshness
from calguard_client.refusal import Refusal
from calguard_client.watching.events import (
    Changes,
    Interrupted,
    Progress,
    SnapshotEnded,
    SnapshotStarted,
    WatchEvent,
)


@dataclass(frozen=True, slots=True)
class Moved:
    """How a resource changed last, while it was watched: in words, and at which second of `Board.take`'s clock."""

    words: str
    at: float


class Board:
    """Kept by `take`. `trouble` is why there is no stream now, and `retry_at` when the next one is tried.

    `whole`: a snapshot was had; without one, only what has changed since is known. `started_over` is why there was more
    than one.
    """

    def __init__(self) -> None:
        self.revision = 0
        self.whole = False
        self.trouble: Refusal | None = None
        self.retry_at = 0.0
        self.last_change: StateChange | None = None
        self.started_over = ""
        self._contents = Contents()
        self._freshness = Freshness()
        self._moved: dict[Key, Moved] = {}
        self._ranked: tuple[int, Sequence[tuple[Key, Resource]]] = (-1, ())
        self._counts: Counter[tuple[str, str]] | None = None

    def take(self, event: WatchEvent, at: float, wall: float) -> None:
        """Take in an event, at seconds that only grow, and of the time of day."""
        self._note_stream(event, at)
        self._note_time(event, at, wall)
        noted = self._contents.take(event, wall)
        for change in noted:
            self._note_change(change, at)
        if event.changes:
            self.revision = max(self.revision, *(each.revision for each in event.changes))
        if isinstance(event, Changes):
            self.last_change = event.changes[-1]
        if noted or isinstance(event, SnapshotEnded | Changes):
            self._ranked, self._counts = (-1, ()), None

    def __len__(self) -> int:
        return len(self._contents.resources)

    def staleness(self, at: float) -> float | None:
        """Answer the seconds since what is known was last known to be current; None before that."""
        return self._freshness.seconds(at)

    def most_relevant(self, count: int) -> Sequence[tuple[Key, Resource]]:
        """Answer so many resources: what is not well first, and of that what changed last."""
        if self._ranked[0] < min(count, len(self)):
            self._ranked = (count, heapq.nsmallest(count, self._contents.resources.items(), key=_rank))
        return self._ranked[1][:count]

    def moved(self, key: Key) -> Moved | None:
        """Answer how a resource changed last; None where it has not since it was first seen."""
        return self._moved.get(key)

    def counts(self) -> Counter[tuple[str, str]]:
        """Count the resources by kind (the field of StateChange) and state."""
        if self._counts is None:
            resources = self._contents.resources.items()
            self._counts = Counter((key[0], enum_name(resource, "state")) for key, resource in resources)
        return self._counts

    def _note_stream(self, event: WatchEvent, at: float) -> None:
        if isinstance(event, Interrupted):
            self.trouble, self.retry_at = event.refusal, at + event.delay.total_seconds()
            return
        self.trouble = None
        if isinstance(event, SnapshotStarted):
            self.revision, self.started_over = 0, event.cause
        self.whole = self.whole or isinstance(event, SnapshotEnded)

    def _note_time(self, event: WatchEvent, at: float, wall: float) -> None:
        match event:
            case Interrupted():
                self._freshness.interrupted()
            case SnapshotStarted():
                self._freshness.snapshot_started(at)
            case SnapshotEnded():
                self._freshness.snapshot_ended()
            case Progress():
                self._freshness.progressed(at)
            case Changes(changes=changes):
                self._freshness.changed(at, wall - seconds_of(changes[-1].time))

    def _note_change(self, change: MirrorChange, at: float) -> None:
        key, words = key_of(change.resource), move_of(change)
        if change.after is None:
            self._moved.pop(key, None)
        elif words:
            self._moved[key] = Moved(words, at)


def _rank(item: tuple[Key, Resource]) -> tuple[int, int, Key]:
    key, resource = item
    return severity(resource), -resource.revision, key
