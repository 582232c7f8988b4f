"""The feed of changes: every stream is a cursor that reads the ring, and the durable log where it has fallen behind.

1. No queue is kept for a stream: a commit appends to the ring and wakes the streams that wait; each reads on from its
   own cursor. A stream that does not read costs nothing but its cursor.
2. A snapshot stands at one revision R; the changes that follow begin right after R. So there is no hole and no double.
3. A token is never ahead of a change that was not sent yet.
4. Streams are woken together, and see the same changes: those of equal filters that are equally far share their bytes.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from weakref import WeakValueDictionary

from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.engine.ports.chance import Chance
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.store import Store
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch import frames
from calguard_server.watch.backlog import Backlog
from calguard_server.watch.flush import Flusher, FlushOptions
from calguard_server.watch.keeper import Keeper
from calguard_server.watch.pace import Pace, jittered, random_lifetime
from calguard_server.watch.snapshot import EncodeSnapshot, snapshot_of
from calguard_server.watch.stream import Beginning, Stream, draining
from calguard_server.watch.view import View, ViewKey, view_key


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """`ring_bytes` is about what the latest changes take in memory. A stream lasts from `lifetime` to twice that."""

    ring_bytes: int = 32 * 1024 * 1024
    streams_max: int = 10_000
    streams_per_caller: int = 2_000
    progress_interval: timedelta = timedelta(seconds=15)
    lifetime: timedelta = timedelta(minutes=30)
    flush: FlushOptions = field(default_factory=FlushOptions)


class Feed:
    """Serves watches. `publish` is a commit listener of the store; `run` has to run beside it."""

    def __init__(
        self,
        store: Store,
        encode_snapshot: EncodeSnapshot,
        clock: Clock,
        chance: Chance,
        options: FeedOptions,
        revision: int,
    ) -> None:
        self._store = store
        self._encode_snapshot = encode_snapshot
        self._clock = clock
        self._chance = chance
        self._options = options
        self._backlog = Backlog(store, options.ring_bytes, revision)
        self._keeper = Keeper(clock, lambda: self._backlog.shown)
        self._flusher = Flusher(self._show, lambda: self.streams, options.flush)
        self._streams_of: Counter[str] = Counter()
        self._views: WeakValueDictionary[ViewKey, View] = WeakValueDictionary()
        self._draining = False

    @property
    def streams(self) -> int:
        """How many watches are open."""
        return len(self._keeper.streams)

    def lag(self) -> float:
        """Answer how many seconds the watch is behind that is furthest behind; 30 at most: then it is ended."""
        return self._keeper.lag()

    async def run(self) -> None:
        """Keep streams speaking, and end those that are too slow or too old, until cancelled."""
        await self._keeper.run()

    def publish(self, entries: Sequence[LogEntry]) -> None:
        """Take in the changes of a commit, and wake the streams before long."""
        self._backlog.take(entries)
        self._flusher.request()

    def drain(self) -> None:
        """End every stream, after it has sent what is committed; new ones are refused."""
        self._draining = True
        self._flusher.flush()
        for stream in self._keeper.streams:
            stream.drain()

    def open(self, spec: WatchSpec, caller: str = "", still_permitted: Callable[[], None] = lambda: None) -> "Watching":
        """Serve a watch in the task that enters it: an iteration of encoded WatchResponses.

        `still_permitted` is called a few times a second, and ends the watch by the CalguardError that it raises.
        Entering and iterating raise what TokenMint.read raises, OutOfRangeError `RESUME_TOKEN_EXPIRED` or
        `TOKEN_FROM_FUTURE`, ResourceExhaustedError `STREAM_LIMIT` or `SLOW_CONSUMER`, UnavailableError
        `SERVER_DRAINING`.
        """
        return Watching(self, spec, caller, still_permitted)

    def admit(
        self, spec: WatchSpec, caller: str, still_permitted: Callable[[], None]
    ) -> tuple[Stream, AsyncGenerator[bytes, None]]:
        """Open a stream for a watch, of the current task. Raises what `open` says."""
        self._refuse_stream(caller)
        view = self._view(spec)
        stream = self._stream(spec, view, still_permitted)
        self._keeper.add(stream)
        self._streams_of[caller] += 1
        return stream, stream.messages(self._beginning(spec, view))

    def dismiss(self, stream: Stream, caller: str) -> None:
        """Let go of a stream that has ended."""
        self._keeper.remove(stream)
        self._streams_of[caller] -= 1
        if not self._streams_of[caller]:
            del self._streams_of[caller]

    def _stream(self, spec: WatchSpec, view: View, still_permitted: Callable[[], None]) -> Stream:
        interval = (spec.progress_interval or self._options.progress_interval).total_seconds()
        pace = Pace(
            random_lifetime(self._options.lifetime.total_seconds(), self._chance), jittered(interval, self._chance)
        )
        return Stream(self._backlog, view, self._clock, pace, self._keeper.waited, still_permitted)

    def _view(self, spec: WatchSpec) -> View:
        key = view_key(spec)
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = View(self._store.store_id, self._store.epoch, spec)
        return view

    async def _beginning(self, spec: WatchSpec, view: View) -> Beginning:
        if spec.resume_token:
            cursor, epoch = view.mint.read(spec.resume_token)
            await self._backlog.refuse_other_history(cursor, epoch)
            await self._backlog.refuse_expired(cursor)
            yield cursor, b""
        elif spec.skip_snapshot:
            cursor = self._backlog.revision
            yield cursor, frames.progress(view.mint.make(cursor))
        else:
            now = self._clock.now()
            snapshot = snapshot_of(self._store, spec, view.mint, self._encode_snapshot, now)
            async with aclosing(snapshot):
                async for revision, message in snapshot:
                    yield revision, message

    def _show(self) -> None:
        self._backlog.show()
        for stream in self._keeper.streams:
            stream.wake()

    def _refuse_stream(self, caller: str) -> None:
        if self._draining:
            raise draining()
        if self.streams >= self._options.streams_max:
            raise ResourceExhaustedError(
                "STREAM_LIMIT", f"this server serves {self._options.streams_max} watches already: try again later"
            )
        if self._streams_of[caller] >= self._options.streams_per_caller:
            raise ResourceExhaustedError(
                "STREAM_LIMIT",
                f"this caller has {self._options.streams_per_caller} watches open already: close one, or share one",
            )


class Watching:
    """A watch while it is served. There are thousands: it holds little."""

    __slots__ = ("_asked", "_caller", "_feed", "_messages", "_stream")

    def __init__(self, feed: Feed, spec: WatchSpec, caller: str, still_permitted: Callable[[], None]) -> None:
        self._feed = feed
        self._asked: tuple[WatchSpec, Callable[[], None]] | None = (spec, still_permitted)
        self._caller = caller

    async def __aenter__(self) -> AsyncGenerator[bytes, None]:
        asked, self._asked = self._asked, None
        if asked is None:
            raise RuntimeError("a watch is entered once")
        spec, still_permitted = asked
        self._stream, self._messages = self._feed.admit(spec, self._caller, still_permitted)
        return self._messages

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            await self._messages.aclose()
        finally:
            self._feed.dismiss(self._stream, self._caller)
            self._stream.raise_refusal()
