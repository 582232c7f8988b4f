"""A synchronous watch: it opens streams, reads them, and waits in between, as Resumption says."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Protocol, Self

import grpc

from calguard.v1.watch_pb2 import WatchRequest, WatchResponse
from calguard_client.errors import CalguardError, error_of
from calguard_client.refusal import Refusal
from calguard_client.watching.breaks import ENDED, SILENT
from calguard_client.watching.events import WatchEvent
from calguard_client.watching.resumption import Resumption


class Stream(Protocol):
    """A stream that is open."""

    def __next__(self) -> WatchResponse:
        """Answer the next message. Raises StopIteration, grpc.RpcError."""
        ...

    def cancel(self) -> bool:
        """End it, from any thread."""
        ...


OpenStream = Callable[[WatchRequest], Stream]


class Watch:
    """Events, for ever: `for event in watch`. Raises CalguardError where going on is of no use.

    It is opened when the first event is asked for, and reads no further than it is asked to. It is for one reader at a
    time: another's attempt raises RuntimeError. Close it: `with`, or `close`, which any thread may call, and which ends
    a reader that waits.
    """

    def __init__(self, open_stream: OpenStream, resumption: Resumption) -> None:
        self._open_stream = open_stream
        self._resumption = resumption
        self._pending = deque[WatchEvent]()
        self._stream: Stream | None = None
        self._reader = threading.Lock()
        self._closed = threading.Event()
        self._silence = _Silence(resumption.silence_max.total_seconds())
        self._delay = 0.0

    def __iter__(self) -> Iterator[WatchEvent]:
        return self

    def __next__(self) -> WatchEvent:
        if not self._reader.acquire(blocking=False):
            raise RuntimeError("another thread is reading this watch: give each reader a watch of its own")
        try:
            return self._next()
        finally:
            self._reader.release()

    def _next(self) -> WatchEvent:
        while not self._pending:
            if self._stream is None and not self._closed.wait(self._delay):
                self._stream = self._open_stream(self._resumption.opened(time.monotonic()))
            if self._stream is None or self._closed.is_set():
                self.close()  # also a stream that was opened just while another thread closed this
                raise StopIteration
            self._read(self._stream)
        return self._pending.popleft()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the watch."""
        self._closed.set()
        self._silence.close()
        if (stream := self._stream) is not None:
            stream.cancel()

    def _read(self, stream: Stream) -> None:
        try:
            with self._silence.broken_by(stream.cancel):
                message = next(stream)
        except StopIteration:
            self._broken(ENDED)
        except grpc.RpcError as error:
            self._broken(SILENT if self._silence.struck else error_of(error).refusal, error_of(error))
        else:
            self._pending.extend(self._resumption.received(message))

    def _broken(self, refusal: Refusal, error: CalguardError | None = None) -> None:
        self._stream = None
        if self._closed.is_set():
            return
        interrupted = self._resumption.broken(refusal, time.monotonic())
        if interrupted is None:
            self.close()
            raise error or AssertionError("only an error ends a watch")
        self._delay = interrupted.delay.total_seconds()
        self._pending.append(interrupted)


class _Silence:
    """A thread that cancels a read which takes too long. gRPC's synchronous streams cannot be read with a timeout."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._condition = threading.Condition()
        self._cancel: Callable[[], object] | None = None
        self._since = 0.0
        self._thread: threading.Thread | None = None
        self._closed = False
        self.struck = False

    def broken_by(self, cancel: Callable[[], object]) -> Self:
        """Guard the block: `cancel` is called where it takes too long."""
        with self._condition:
            self.struck = False
            self._since = time.monotonic()
            self._cancel = cancel
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._guard, name="calguard-watch-silence", daemon=True)
                self._thread.start()
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._condition:
            self._cancel = None

    def close(self) -> None:
        """End the thread."""
        with self._condition:
            self._closed = True
            self._condition.notify()

    def _guard(self) -> None:
        with self._condition:
            while not self._closed:
                # Reads do not wake this thread: one that began meanwhile is looked at again when its time is over.
                left = self._since + self._seconds - time.monotonic() if self._cancel else self._seconds
                if left > 0:
                    self._condition.wait(left)
                elif self._cancel is not None:
                    cancel, self._cancel, self.struck = self._cancel, None, True
                    cancel()
