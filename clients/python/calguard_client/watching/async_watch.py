"""A watch of asyncio: it opens streams, reads them, and waits in between, as Resumption says."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

import grpc.aio

from calguard.v1.watch_pb2 import WatchRequest, WatchResponse
from calguard_client.errors import CalguardError, error_of
from calguard_client.refusal import Refusal
from calguard_client.watching.breaks import ENDED, SILENT
from calguard_client.watching.events import WatchEvent
from calguard_client.watching.resumption import Resumption

_LOOK_SECONDS = 1.0
"""How long a stream is looked at, at least, before it is called silent: this process may have been busy itself."""


class AsyncStream(Protocol):
    """A stream that is open."""

    def read(self) -> Awaitable[Any]:
        """Answer the next message, or grpc.aio.EOF. Raises grpc.aio.AioRpcError."""
        ...

    def cancel(self) -> bool:
        """End it."""
        ...


OpenStream = Callable[[WatchRequest], AsyncStream]


class AsyncWatch:
    """Events, for ever: `async for event in watch`. Raises CalguardError where going on is of no use.

    It is opened when the first event is asked for, and reads no further than it is asked to: a slow reader slows the
    server down, and is resumed by it if need be. To give up waiting for an event, by a timeout say, harms nothing: the
    next one asked for follows on. It is for one reader at a time: another's attempt raises RuntimeError. Close it:
    `async with`, or `aclose`.
    """

    def __init__(self, open_stream: OpenStream, resumption: Resumption) -> None:
        self._open_stream = open_stream
        self._resumption = resumption
        self._pending = deque[WatchEvent]()
        self._stream: AsyncStream | None = None
        self._reading: asyncio.Future[Any] | None = None
        self._silent_at = 0.0
        self._open_at = 0.0
        self._closing = asyncio.Event()
        self._has_reader = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WatchEvent:
        if self._has_reader:
            raise RuntimeError("another task is reading this watch: give each reader a watch of its own")
        self._has_reader = True
        try:
            return await self._next()
        finally:
            self._has_reader = False

    async def _next(self) -> WatchEvent:
        while not self._pending:
            stream = self._stream or await self._open()
            await self._read(stream)
        return self._pending.popleft()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the watch, also while a reader waits."""
        self._closing.set()
        self._pending.clear()
        await self._drop_stream()

    async def _open(self) -> AsyncStream:
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._open_at):
                await self._closing.wait()
        if self._closing.is_set():
            raise StopAsyncIteration
        self._stream = self._open_stream(self._resumption.opened(loop.time()))
        return self._stream

    async def _read(self, stream: AsyncStream) -> None:
        loop = asyncio.get_running_loop()
        if self._reading is None:
            self._reading = asyncio.ensure_future(stream.read())
            self._silent_at = loop.time() + self._resumption.silence_max.total_seconds()
        reading = self._reading
        # Waiting leaves the reading alone where it is cancelled: the next to wait gets the message.
        await asyncio.wait({reading}, timeout=max(_LOOK_SECONDS, self._silent_at - loop.time()))
        if self._closing.is_set():
            return
        if reading.done():
            self._reading = None
            await self._take(reading)
        else:
            await self._broken(SILENT)

    async def _take(self, reading: "asyncio.Future[Any]") -> None:
        try:
            message = reading.result()
        except grpc.aio.AioRpcError as error:
            await self._broken(error_of(error).refusal, error_of(error))
        except asyncio.CancelledError:  # the stream's, not this task's: the channel was closed
            await self.aclose()
        else:
            if isinstance(message, WatchResponse):
                self._pending.extend(self._resumption.received(message))
            else:
                await self._broken(ENDED)

    async def _broken(self, refusal: Refusal, error: CalguardError | None = None) -> None:
        now = asyncio.get_running_loop().time()
        interrupted = self._resumption.broken(refusal, now)
        if interrupted is None:
            self._closing.set()
        else:
            self._open_at = now + interrupted.delay.total_seconds()
            self._pending.append(interrupted)
        await self._drop_stream()  # last: where this is cancelled, all is noted already
        if interrupted is None:
            raise error or AssertionError("only an error ends a watch")

    async def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        reading, self._reading = self._reading, None
        if stream is not None:
            stream.cancel()
        if reading is not None:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
