"""Where a watch stands, and how it goes on: pure, without a socket, a clock or a thread.

1. The last token received is where the watch goes on. A snapshot has none until it has ended: where it breaks, it is
   begun again.
2. A change is told once. Revisions only grow, so what is not ahead of the last one told is dropped.
3. A token that leads nowhere (too old, of another store, ahead of it) is given up for a new snapshot, and the reader
   is told so: SnapshotStarted. Revisions are counted anew then.
"""

from collections.abc import Iterator
from datetime import timedelta

from calguard.v1.watch_pb2 import StateChange, WatchRequest, WatchResponse
from calguard_client.refusal import Refusal
from calguard_client.watching.backoff import LASTING, Backoff, Chance
from calguard_client.watching.breaks import Verdict, judge
from calguard_client.watching.events import (
    Changes,
    Interrupted,
    Progress,
    SnapshotEnded,
    SnapshotPart,
    SnapshotStarted,
    WatchEvent,
)

_LIFETIME = "STREAM_LIFETIME"
_PLANNED_SECONDS = 1.0
"""A stream that lasted less did not end as planned, whatever it said: nothing is to spin."""

_PROGRESS_INTERVAL = timedelta(seconds=15)
_SILENT_INTERVALS = 3
SILENCE_MIN = timedelta(seconds=10)


class Resumption:
    """One watch over any number of streams. Times are seconds of a clock that only goes forward.

    `silence_min`: no stream is called dead that was silent for less, whatever its progress interval.
    """

    def __init__(self, request: WatchRequest, chance: Chance, silence_min: timedelta = SILENCE_MIN) -> None:
        self._request = WatchRequest()
        self._request.CopyFrom(request)
        if not self._request.HasField("progress_interval"):
            self._request.progress_interval.FromTimedelta(_PROGRESS_INTERVAL)
        self._backoff = Backoff(chance)
        self._silence_min = silence_min
        self._token = request.resume_token
        self._skip_snapshot = request.skip_snapshot and not self._token
        self._cause = ""
        self._revision = 0
        self._in_snapshot = False
        self._heard = False
        self._planned = False
        self._opened_at = 0.0

    @property
    def silence_max(self) -> timedelta:
        """After how long without a message a stream is dead: some progress messages did not come."""
        return max(self._silence_min, self._request.progress_interval.ToTimedelta() * _SILENT_INTERVALS)

    def opened(self, at: float) -> WatchRequest:
        """Note that a stream is opened; answer with which request."""
        self._opened_at = at
        self._heard = self._planned = False
        self._in_snapshot = not self._token and not self._skip_snapshot
        request = WatchRequest()
        request.CopyFrom(self._request)
        request.resume_token = self._token
        request.skip_snapshot = self._skip_snapshot
        return request

    def received(self, message: WatchResponse) -> Iterator[WatchEvent]:
        """Take in a message; answer what it tells."""
        first, self._heard = not self._heard, True
        self._planned = message.closing.reason == _LIFETIME
        if self._in_snapshot:
            if first:
                self._revision = 0
                yield SnapshotStarted(cause=self._cause)
            yield from self._snapshot(message)
        else:
            yield from self._follow(message)

    def broken(self, refusal: Refusal, at: float) -> Interrupted | None:
        """Note how the stream ended; answer how it goes on, or None where it cannot."""
        verdict = judge(refusal, had_token=bool(self._token), let_in=self._heard)
        if self._heard and at - self._opened_at >= LASTING.total_seconds():
            self._backoff.worked()
        if verdict is Verdict.GIVE_UP:
            return None
        if verdict is Verdict.START_OVER:
            self._token, self._skip_snapshot, self._cause = "", False, refusal.reason
        if self._planned and at - self._opened_at >= _PLANNED_SECONDS:
            return Interrupted(refusal=refusal, delay=self._backoff.planned())
        slowly = verdict is Verdict.RESUME_SLOWLY
        return Interrupted(refusal=refusal, delay=self._backoff.next_slow() if slowly else self._backoff.next())

    def _snapshot(self, message: WatchResponse) -> Iterator[WatchEvent]:
        if message.changes:
            self._revision = max(self._revision, *(change.revision for change in message.changes))
            yield SnapshotPart(changes=tuple(message.changes))
        if message.snapshot_complete:
            self._in_snapshot, self._cause = False, ""
            self._token = message.resume_token
            yield SnapshotEnded(resume_token=self._token)

    def _follow(self, message: WatchResponse) -> Iterator[WatchEvent]:
        unseen = tuple(self._unseen(message))
        if message.resume_token:
            self._token, self._skip_snapshot = message.resume_token, False
        if unseen:
            yield Changes(changes=unseen, resume_token=message.resume_token)
        elif message.resume_token:
            yield Progress(resume_token=message.resume_token)

    def _unseen(self, message: WatchResponse) -> Iterator[StateChange]:
        for change in message.changes:
            if change.revision > self._revision:
                self._revision = change.revision
                yield change
