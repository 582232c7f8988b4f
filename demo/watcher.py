"""A subscriber: keeps the last token, a mirror of every link and page, and the order in which changes came."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import grpc
import grpc.aio

from calguard.v1 import booking_page_pb2, calendar_link_pb2, watch_pb2
from demo.claims import Mismatch
from demo.states import page_state

if TYPE_CHECKING:
    from calguard.v1.watch_pb2_grpc import WatchServiceAsyncStub

WAIT_SECONDS = 20
ChangeTold = Callable[[watch_pb2.StateChange], None]


class Watcher:
    """Watches everything; what it holds outlives a stream that breaks."""

    def __init__(self, tell: ChangeTold) -> None:
        self.links: dict[str, calendar_link_pb2.CalendarLink] = {}
        self.pages: dict[str, booking_page_pb2.BookingPage] = {}
        self.snapshot: list[int] = []
        self.changes: list[int] = []
        self.token = ""
        self._tell = tell
        self._snapshot_complete = False
        self._news = asyncio.Condition()
        self._reading: asyncio.Task[grpc.StatusCode] | None = None

    def attach(self, stub: "WatchServiceAsyncStub") -> None:
        """Begin with a snapshot, or go on after the last token."""
        stream = stub.Watch(watch_pb2.WatchRequest(resume_token=self.token))
        self._reading = asyncio.create_task(self._read(stream), name="watch")

    async def snapshot_taken(self) -> None:
        """Wait until the state as it stood is known."""
        await self._until(lambda: self._snapshot_complete, "a snapshot", lambda: "none that is complete")

    async def sees(self, pages: Mapping[str, str]) -> None:
        """Wait until the pages, by id, have the states named. Raises Mismatch where that does not come in time."""
        await self._until(lambda: self._page_states() == pages, dict(sorted(pages.items())), self._page_states)

    async def reaches(self, revision: int) -> None:
        """Wait until that revision has been seen."""
        await self._until(
            lambda: self.last_revision >= revision, f"revision {revision}", lambda: f"revision {self.last_revision}"
        )

    async def broken(self) -> str:
        """Wait until the stream breaks off; the status that it breaks off with."""
        if self._reading is None:
            return ""
        async with asyncio.timeout(WAIT_SECONDS):
            return str((await self._reading).name)

    async def close(self) -> None:
        """End the stream."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def last_revision(self) -> int:
        """The highest revision seen."""
        return max([*self.snapshot, *self.changes], default=0)

    async def _until(self, holds: Callable[[], bool], expected: object, seen: Callable[[], object]) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS), self._news:
                await self._news.wait_for(lambda: holds() or self._ended)
        if not holds():
            limit = "before it broke off" if self._ended else f"within {WAIT_SECONDS} s"
            raise Mismatch(f"the watch shows it {limit}", expected, seen())

    @property
    def _ended(self) -> bool:
        return self._reading is None or self._reading.done()

    def _page_states(self) -> dict[str, str]:
        return {each.id: page_state(each) for each in sorted(self.pages.values(), key=lambda each: each.id)}

    async def _read(
        self, stream: "grpc.aio.UnaryStreamCall[watch_pb2.WatchRequest, watch_pb2.WatchResponse]"
    ) -> grpc.StatusCode:
        try:
            async for message in stream:
                await self._take(message)
        except grpc.aio.AioRpcError as error:
            return error.code()
        finally:
            async with self._news:
                self._news.notify_all()
        return grpc.StatusCode.OK

    async def _take(self, message: watch_pb2.WatchResponse) -> None:
        async with self._news:
            for change in message.changes:
                self._keep(change)
            for change in self._as_told(message):
                self._tell(change)
            self.token = message.resume_token or self.token
            self._snapshot_complete = self._snapshot_complete or message.snapshot_complete
            self._news.notify_all()

    def _as_told(self, message: watch_pb2.WatchResponse) -> Iterable[watch_pb2.StateChange]:
        """A snapshot comes by kind and id and reads better by revision; changes are told as they come."""
        if self._snapshot_complete:
            return message.changes
        return sorted(message.changes, key=lambda change: change.revision)

    def _keep(self, change: watch_pb2.StateChange) -> None:
        told = self.snapshot if change.type == watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT else self.changes
        told.append(change.revision)
        if change.HasField("calendar_link"):
            self.links[change.calendar_link.id] = change.calendar_link
        else:
            self.pages[change.booking_page.id] = change.booking_page
