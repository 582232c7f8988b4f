"""The feed of changes: every stream is a cursor that reads the ring, and the durable log where it has fallen behind.

1. No queue is kept for a stream: a commit appends to the ring and wakes the streams that wait; each reads on from its
   own cursor. A stream that does not read costs nothing but its cursor.
2. A snapshot stands at one revision R; the changes that follow begin right after R. So there is no hole and no double.
3. A token is never ahead of a change that was not sent yet.
4. Streams are woken together, after an interval that widens with their number: waking each of a thousand streams at
   every commit would leave no time for the commits.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from calguard_server.domain.errors import OutOfRangeError, ResourceExhaustedError, UnavailableError
from calguard_server.domain.events import ResourceKind
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.engine.ports import Chance, Clock, LogEntry, Snapshot, Store, WatchSpec
from calguard_server.engine.waiting import first_of
from calguard_server.watch import frames
from calguard_server.watch.filters import Matches, kinds_of, matcher
from calguard_server.watch.ring import Batch, Ring, batches
from calguard_server.watch.tokens import TokenMint

Resources = Sequence[CalendarLink] | Sequence[BookingPage] | Sequence[ProviderStatus]

EncodeSnapshot = Callable[[CalendarLink | BookingPage | ProviderStatus], bytes]
"""Encodes a resource as the change by which a snapshot shows it."""

_LOG_READ = 1000
_MESSAGE_BYTES = 1024 * 1024
"""How large a message grows, unless one transaction is larger. Clients take 4 MiB unless they are told otherwise."""


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """`ring_capacity` is in changes; `flush_per_stream` is by how much each stream widens the flush interval."""

    ring_capacity: int = 65_536
    streams_max: int = 10_000
    progress_interval: timedelta = timedelta(seconds=15)
    flush_per_stream: timedelta = timedelta(microseconds=50)
    flush_max: timedelta = timedelta(milliseconds=50)


class Feed:
    """Serves watches. `publish` is a commit listener of the store."""

    def __init__(
        self,
        store: Store,
        encode_snapshot: EncodeSnapshot,
        clock: Clock,
        chance: Chance,
        options: FeedOptions,
        revision: int,
    ) -> None:
        self.streams = 0
        self._store = store
        self._encode_snapshot = encode_snapshot
        self._clock = clock
        self._chance = chance
        self._options = options
        self._ring = Ring(options.ring_capacity, revision)
        self._changed = asyncio.Event()
        self._flusher: asyncio.TimerHandle | None = None
        self._draining = False

    def publish(self, entries: Sequence[LogEntry]) -> None:
        """Take in the changes of a commit, and wake the streams before long."""
        self._ring.append(entries)
        if self._flusher is None:
            interval = min(self._options.flush_per_stream * self.streams, self._options.flush_max)
            self._flusher = asyncio.get_running_loop().call_later(interval.total_seconds(), self._wake)

    def drain(self) -> None:
        """End every stream, after it has sent what is committed; new ones are refused."""
        self._draining = True
        self._wake()

    async def open(self, spec: WatchSpec) -> AsyncGenerator[bytes, None]:
        """Serve a watch: an endless iteration of encoded WatchResponses.

        Raises what TokenMint.read raises, OutOfRangeError `RESUME_TOKEN_EXPIRED`, ResourceExhaustedError
        `STREAM_LIMIT`, UnavailableError `SERVER_DRAINING`.
        """
        self._refuse_stream()
        self.streams += 1
        try:
            async with aclosing(self._serve(spec)) as messages:
                async for message in messages:
                    yield message
        finally:
            self.streams -= 1

    async def _serve(self, spec: WatchSpec) -> AsyncGenerator[bytes, None]:
        mint = TokenMint(self._store.store_id, spec)
        if spec.resume_token:
            cursor = await self._resume(mint, spec.resume_token)
        elif spec.skip_snapshot:
            cursor = self._ring.revision
            yield frames.progress(mint.make(cursor))
        else:
            cursor = 0
            async with aclosing(self._snapshot(spec, mint)) as snapshot:
                async for cursor, message in snapshot:  # noqa: B007 - the last one is where to go on
                    yield message
        async with aclosing(self._follow(spec, mint, cursor)) as messages:
            async for message in messages:
                yield message

    async def _resume(self, mint: TokenMint, token: str) -> int:
        cursor = mint.read(token, self._ring.revision)
        oldest = await self._store.oldest_revision()
        if cursor + 1 < oldest:
            raise OutOfRangeError(
                "RESUME_TOKEN_EXPIRED",
                "resume_token: the changes after it are no longer kept: watch without a token, for a new snapshot",
                metadata={"oldest_revision": str(oldest)},
            )
        return cursor

    async def _snapshot(self, spec: WatchSpec, mint: TokenMint) -> AsyncGenerator[tuple[int, bytes], None]:
        async with self._store.snapshot() as snapshot:
            for batches_of_kind in _snapshot_parts(snapshot, spec):
                async for resources in batches_of_kind:
                    for message in self._snapshot_messages(resources):
                        yield snapshot.revision, message
            revision = snapshot.revision
        yield revision, frames.snapshot_end(mint.make(revision))

    def _snapshot_messages(self, resources: Resources) -> Iterator[bytes]:
        pending, size = list[bytes](), 0
        for resource in resources:
            framed = frames.frame(self._encode_snapshot(resource))
            if pending and size + len(framed) > _MESSAGE_BYTES:
                yield frames.response(pending, "")
                pending, size = [], 0
            pending.append(framed)
            size += len(framed)
        yield frames.response(pending, "")

    async def _follow(self, spec: WatchSpec, mint: TokenMint, cursor: int) -> AsyncGenerator[bytes, None]:
        matches = matcher(spec)
        progress_due = self._progress_due(spec)
        while True:
            changed = self._changed
            newer = await self._after(cursor)
            for revision, message in _messages(newer, matches, mint):
                yield message
                cursor, progress_due = revision, self._progress_due(spec)
            if newer:
                cursor = newer[-1].revision
            elif self._draining:
                yield frames.closing(mint.make(cursor), "SERVER_DRAINING")
                raise _draining()
            else:
                await first_of(changed.wait(), self._clock.sleep(progress_due - self._clock.now()))
            if self._clock.now() >= progress_due:
                yield frames.progress(mint.make(cursor))
                progress_due = self._progress_due(spec)

    async def _after(self, cursor: int) -> list[Batch]:
        """Read on from a cursor: from the ring, or from the log where the ring does not reach back so far."""
        newer = self._ring.after(cursor)
        if newer is not None:
            return newer
        return list(batches(await self._store.log_after(cursor, _LOG_READ)))

    def _progress_due(self, spec: WatchSpec) -> datetime:
        """When a stream has been silent for its interval, jittered by a tenth, also if all it saw was left out."""
        interval = spec.progress_interval or self._options.progress_interval
        return self._clock.now() + interval * (1 - self._chance() / 10)

    def _wake(self) -> None:
        self._flusher = None
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _refuse_stream(self) -> None:
        if self._draining:
            raise _draining()
        if self.streams >= self._options.streams_max:
            raise ResourceExhaustedError(
                "STREAM_LIMIT", f"this server serves {self._options.streams_max} watches already: try again later"
            )


def _snapshot_parts(snapshot: Snapshot, spec: WatchSpec) -> Iterator[AsyncIterator[Resources]]:
    kinds = kinds_of(spec)
    if ResourceKind.CALENDAR_LINK in kinds:
        yield snapshot.links(spec.calendar_link_ids, spec.account_ids)
    if ResourceKind.BOOKING_PAGE in kinds:
        yield snapshot.pages(spec.booking_page_ids, spec.account_ids)
    if ResourceKind.PROVIDER_STATUS in kinds:
        yield snapshot.provider_statuses()


def _messages(newer: Sequence[Batch], matches: Matches | None, mint: TokenMint) -> Iterator[tuple[int, bytes]]:
    """Join transactions into messages of a bounded size, never splitting one; leave out what does not match."""
    pending, size, revision = list[bytes](), 0, 0
    for batch in newer:
        matching = _matching(batch, matches)
        grown = size + sum(map(len, matching))
        if pending and grown > _MESSAGE_BYTES:
            yield revision, frames.response(pending, mint.make(revision))
            pending, grown = [], grown - size
        pending.extend(matching)
        size, revision = grown, batch.revision
    if pending:
        yield revision, frames.response(pending, mint.make(revision))


def _matching(batch: Batch, matches: Matches | None) -> Sequence[bytes]:
    if matches is None:
        return batch.frames
    return [framed for entry, framed in zip(batch.entries, batch.frames, strict=True) if matches(entry)]


def _draining() -> UnavailableError:
    return UnavailableError("SERVER_DRAINING", "this server is stopping: resume the watch at another, or in a moment")
