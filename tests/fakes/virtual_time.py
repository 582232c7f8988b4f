"""Time that passes only when nothing is left to do: an event loop whose clock jumps to whatever comes next.

Everything that waits, waits on this clock, so hours take no time, and what runs beside one another does so in an order
that depends on nothing outside. There is no waiting for threads or sockets in it: a store needs `InlineConnections`.
"""

import asyncio
import math
import selectors
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.fakes.world import START

T = TypeVar("T")

_SECOND = 1_000_000


class StandstillError(RuntimeError):
    """Everything waits, and nothing is left that could wake it."""


class _Jumping(selectors.SelectSelector):
    """Asked to wait, jumps ahead instead."""

    def __init__(self) -> None:
        super().__init__()
        self.micros = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise StandstillError("everything waits, and no time is set for anything")
        self.micros += max(0, math.ceil(timeout * _SECOND))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time, which begins at 0 and is counted in whole microseconds."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.micros / _SECOND


class VirtualClock:
    """The clock of the running VirtualLoop."""

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def timer(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, duration: timedelta) -> None:
        await asyncio.sleep(duration.total_seconds())  # noqa: TID251 - virtual: the loop jumps


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine, and all that it starts, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
