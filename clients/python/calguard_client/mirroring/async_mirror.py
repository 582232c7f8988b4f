"""A mirror of asyncio: a task keeps it."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from calguard_client.mirroring.callables import refuse_coroutines
from calguard_client.mirroring.reading import MirrorOptions, MirrorReading
from calguard_client.watching.async_watch import AsyncWatch
from calguard_client.watching.events import SnapshotEnded

T = TypeVar("T")


class AsyncMirror(MirrorReading):
    """A local copy that a task keeps: `async with`, then `await wait_ready()`. It is read from its own event loop.

    `ready` is set once the first snapshot is whole, and stays set.
    """

    def __init__(self, watch: AsyncWatch, options: MirrorOptions) -> None:
        super().__init__(options)
        self.ready = asyncio.Event()
        self._watch = watch
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        if self._task is not None or self._closed:
            raise RuntimeError("a mirror is entered once: make another")
        self._task = asyncio.create_task(self._run(), name="calguard mirror")
        self._task.add_done_callback(self._ended)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the mirror; what it holds can be read on, and grows stale. Whoever waits for it is told."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._watch.aclose()
        self._wake()

    async def wait_ready(self, timeout: timedelta | None = None) -> None:  # noqa: ASYNC109 - part of what is waited for
        """Wait for the first snapshot. Raises TimeoutError, and CalguardError where it cannot be had."""
        await self.wait_until(lambda _: True, timeout)

    async def wait_until(
        self,
        predicate: Callable[[Self], T],
        timeout: timedelta | None = None,  # noqa: ASYNC109 - part of what is waited for
    ) -> T:
        """Wait until the predicate is true of the mirror, once that is ready; answer what it answered.

        It is asked again after each transaction. Raises TimeoutError, CalguardError where the mirror has ended, and
        RuntimeError where it was closed, or never entered; ValueError for a coroutine function.
        """
        if self._task is None:
            raise RuntimeError("the mirror was not entered: async with")
        refuse_coroutines("predicate", predicate)
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()) as limit:
                return await self._until(predicate)
        except TimeoutError:
            if limit.expired():
                raise self._not_in_time() from None
            raise

    async def _until(self, predicate: Callable[[Self], T]) -> T:
        while True:
            changed = self._changed
            if self.ready.is_set() and (answer := predicate(self)):
                return answer
            if self._failure is not None:
                raise self._failure
            if self._closed:
                raise RuntimeError("the mirror is closed: what is waited for can no longer come")
            await changed.wait()

    async def _run(self) -> None:
        async for event in self._watch:
            self._take(event)
            if isinstance(event, SnapshotEnded):
                self.ready.set()
            if event.resume_token:  # nothing else changes what there is to see
                self._wake()

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            if (failure := task.exception()) is not None:
                self._fail(failure)
        elif not self._closed:
            self._fail(asyncio.CancelledError("the task that keeps the mirror was cancelled"))
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
