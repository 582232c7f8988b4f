"""One watch: a cursor, when it has to say something, and when it ends."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from calguard_server.domain.errors import CalguardError, ResourceExhaustedError, UnavailableError
from calguard_server.engine.ports.clock import Clock
from calguard_server.watch import frames
from calguard_server.watch.backlog import Backlog
from calguard_server.watch.pace import Pace
from calguard_server.watch.view import Message, View

Beginning = AsyncGenerator[tuple[int, bytes], None]
"""What a stream is sent before it follows: messages, or none, and with each the revision to go on from after it."""


class Stream:
    """Serves one watch in the task that opens it. The Keeper has `look` called a few times a second."""

    __slots__ = (
        "_backlog",
        "_caught_up",
        "_clock",
        "_cursor",
        "_draining",
        "_ended",
        "_ends_at",
        "_handed_out_at",
        "_now",
        "_pace",
        "_progress_due",
        "_refusal",
        "_snapshot_since",
        "_still_permitted",
        "_task",
        "_view",
        "_waited",
        "_wake",
    )

    def __init__(
        self,
        backlog: Backlog,
        view: View,
        clock: Clock,
        pace: Pace,
        waited: float,
        still_permitted: Callable[[], None],
    ) -> None:
        self._backlog = backlog
        self._view = view
        self._clock = clock
        self._pace = pace
        self._still_permitted = still_permitted
        self._cursor = 0
        self._now = clock.timer()  # as of the last look: a stream that is sent much asks for the time less
        self._waited = waited  # as of the last look, too
        self._progress_due = self._now + pace.progress_interval
        self._ends_at = self._now + pace.lifetime
        self._draining = False
        self._ended = False
        self._task = asyncio.current_task()
        self._wake: asyncio.Future[None] | None = None
        self._handed_out_at: float | None = None
        self._snapshot_since: float | None = None
        self._caught_up = False
        self._refusal: CalguardError | None = None

    @property
    def cursor(self) -> int:
        """The revision up to which it was sent everything."""
        return self._cursor

    @property
    def is_reading(self) -> bool:
        """Whether it had caught up, and has been handed out something since that it has not taken."""
        return self._caught_up and self._wake is None

    async def messages(self, beginning: Beginning) -> AsyncGenerator[bytes, None]:
        """Iterate over the encoded WatchResponses. Ends by itself when the stream has lasted its time.

        Raises what reading the backlog raises, UnavailableError `SERVER_DRAINING`.
        """
        async with aclosing(beginning):
            async for revision, encoded in beginning:
                if self._snapshot_since is None:
                    self._snapshot_since = self._waited
                if encoded:
                    self._handed_out_at = self._waited
                    yield encoded
                self._taken(revision)
        self._snapshot_since = None
        del beginning, revision, encoded  # a stream that waits holds little
        while not self._ended:
            message = self._backlog.next(self._cursor, self._view) or await self._not_at_hand()
            if message.encoded:
                self._handed_out_at = self._waited
                yield message.encoded
                self._taken(message.revision)
            self._cursor = message.revision
        if self._draining:
            raise draining()

    async def _not_at_hand(self) -> Message:
        """Answer what the log holds, or what is to be said where it holds nothing newer; empty once it waited."""
        if self._cursor < self._backlog.shown:
            return await self._backlog.read(self._cursor, self._view)
        encoded = self._nothing_newer()
        if not encoded:
            await self._wait()
        return Message(self._cursor, encoded)

    def _nothing_newer(self) -> bytes:
        """Build what is to be said where there is nothing to tell; empty where it is nothing yet."""
        now, token = self._clock.timer(), self._view.mint.make
        if self._draining or now >= self._ends_at:
            self._ended = True
            return frames.closing(token(self._cursor), "SERVER_DRAINING" if self._draining else "STREAM_LIFETIME")
        return frames.progress(token(self._cursor)) if now >= self._progress_due else b""

    def wake(self) -> None:
        """Have it read on, if it waits."""
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def drain(self) -> None:
        """Have it end once it has sent all."""
        self._draining = True
        self.wake()

    def look(self, now: float, waited: float, overdue: int) -> None:
        """Wake it if it has something to say; end it if its watcher may not watch any more, or reads too slowly.

        `waited` are seconds that may be held against readers; `overdue` is a revision that was shown long ago.
        """
        self._now, self._waited = now, waited
        try:
            self._still_permitted()
        except CalguardError as error:
            self.refuse(error)
            return
        if self._wake is not None:
            if now >= self._progress_due or now >= self._ends_at:
                self.wake()
        elif self._is_stuck(overdue):
            self.refuse(
                ResourceExhaustedError(
                    "SLOW_CONSUMER",
                    "the changes were not read fast enough: watch again with the last resume_token received",
                )
            )

    def refuse(self, error: CalguardError) -> None:
        """End it with an error, whatever it is at."""
        if self._refusal is None and self._task is not None:
            self._refusal = error
            self._task.cancel()

    def raise_refusal(self) -> None:
        """Raise what it was ended with, if it was."""
        if self._refusal is not None:
            if self._task is not None:
                self._task.uncancel()
            raise self._refusal from None

    async def _wait(self) -> None:
        self._caught_up = True
        self._wake = asyncio.get_running_loop().create_future()
        try:
            await self._wake
        finally:
            self._wake = None

    def _taken(self, revision: int) -> None:
        self._cursor = revision
        self._handed_out_at = None
        self._progress_due = self._now + self._pace.progress_interval

    def _is_stuck(self, overdue: int) -> bool:
        """Whether a message waits too long, a snapshot takes too long, or it fell behind after it had caught up."""
        pace = self._pace
        if self._handed_out_at is not None and self._waited - self._handed_out_at > pace.write_timeout:
            return True
        if self._snapshot_since is not None:
            return self._waited - self._snapshot_since > pace.snapshot_timeout
        return self._caught_up and self._cursor < overdue  # a long history may take its time


def draining() -> UnavailableError:
    """Build the error of a server that stops."""
    return UnavailableError("SERVER_DRAINING", "this server is stopping: resume the watch at another, or in a moment")
