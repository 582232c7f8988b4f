"""Calls under way, by their tasks, and how they are broken off: with a refusal of ours, not with grpc's bare one."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from calguard_server.domain.errors import CalguardError, UnavailableError

Task = asyncio.Task[Any] | None


def draining() -> UnavailableError:
    """Answer what calls are told while the server stops."""
    return UnavailableError("SERVER_DRAINING", "this server is stopping: repeat the call at another, or later")


class UnderWay:
    """Calls, each from `enter` to `leave`, which its own task calls; the oldest come first."""

    def __init__(self) -> None:
        self._ends: dict[Task, float] = {}
        self._refusals: dict[Task, CalguardError] = {}

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[tuple[Task, float]]:
        return iter(self._ends.items())

    @contextmanager
    def one(self) -> Iterator[None]:
        """Be a call that is under way."""
        self.enter()
        try:
            yield
        except BaseException as error:
            self.leave(error)
            raise
        self.leave(None)

    def enter(self, ends: float = 0) -> None:
        """Take note of a call; `ends` is whatever the one who asks wants to be told of it again."""
        self._ends[asyncio.current_task()] = ends

    def leave(self, error: BaseException | None) -> None:
        """Let a call go, by what it ended with. Raises the refusal that it was broken off with, if it was."""
        task = asyncio.current_task()
        self._ends.pop(task, None)
        refusal = self._refusals.pop(task, None)
        if refusal is None or task is None or not isinstance(error, asyncio.CancelledError):
            return
        if task.uncancel() == 0:  # else its caller went away, too
            raise refusal from None

    def break_off(self, task: Task, refusal: CalguardError) -> None:
        """Have a call end with a refusal; with the first one, if there are several."""
        if task is not None and task not in self._refusals:
            self._refusals[task] = refusal
            task.cancel()

    def break_off_oldest(self, refusal: CalguardError) -> None:
        """Break off the call that is under way for longest, and count it no more."""
        task = next(iter(self._ends))
        del self._ends[task]
        self.break_off(task, refusal)

    def break_all_off(self) -> None:
        """Have all calls end, because the server does."""
        for task in tuple(self._ends):
            self.break_off(task, draining())
