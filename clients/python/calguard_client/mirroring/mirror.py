"""A synchronous mirror: a thread keeps it."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Self, TypeVar

from calguard_client.mirroring.callables import refuse_coroutines
from calguard_client.mirroring.reading import MirrorOptions, MirrorReading
from calguard_client.watching.events import SnapshotEnded
from calguard_client.watching.watch import Watch

T = TypeVar("T")


class Mirror(MirrorReading):
    """A local copy that a thread keeps: `with`, then `wait_ready()`. Any thread may read it; callbacks run in its own.

    `ready` is set once the first snapshot is whole, and stays set.
    """

    def __init__(self, watch: Watch, options: MirrorOptions) -> None:
        super().__init__(options)
        self.ready = threading.Event()
        self._watch = watch
        self._changed = threading.Condition(self._lock)
        self._thread = threading.Thread(target=self._run, name="calguard-mirror", daemon=True)

    def __enter__(self) -> Self:
        if self._thread.ident is not None or self._closed:
            raise RuntimeError("a mirror is entered once: make another")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the mirror; what it holds can be read on, and grows stale. Whoever waits for it is told."""
        self._closed = True
        self._watch.close()
        self._wake()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def wait_ready(self, timeout: timedelta | None = None) -> None:
        """Wait for the first snapshot. Raises TimeoutError, and CalguardError where it cannot be had."""
        self.wait_until(lambda _: True, timeout)

    def wait_until(self, predicate: Callable[[Self], T], timeout: timedelta | None = None) -> T:
        """Wait until the predicate is true of the mirror, once that is ready; answer what it answered.

        It is asked again after each transaction, while the mirror stands still. Raises TimeoutError, CalguardError
        where the mirror has ended, RuntimeError where it was closed, or never entered, and ValueError for a coroutine
        function.
        """
        if self._thread.ident is None:
            raise RuntimeError("the mirror was not entered: with")
        refuse_coroutines("predicate", predicate)
        until = None if timeout is None else time.monotonic() + timeout.total_seconds()
        with self._changed:
            while True:
                if self.ready.is_set() and (answer := predicate(self)):
                    return answer
                if self._failure is not None:
                    raise self._failure
                if self._closed:
                    raise RuntimeError("the mirror is closed: what is waited for can no longer come")
                left = None if until is None else until - time.monotonic()
                if left is not None and left <= 0:
                    raise self._not_in_time()
                self._changed.wait(left)

    def _run(self) -> None:
        try:
            for event in self._watch:
                self._take(event)
                if isinstance(event, SnapshotEnded):
                    self.ready.set()
                if event.resume_token:  # nothing else changes what there is to see
                    self._wake()
        except BaseException as failure:  # noqa: BLE001 - whatever ends the thread is told to whoever waits, and logged
            self._fail(failure)
            self._wake()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
