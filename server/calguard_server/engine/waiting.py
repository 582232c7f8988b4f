"""Waiting for something to happen, or for a time to pass."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from calguard_server.engine.ports.clock import Clock

K = TypeVar("K")
T = TypeVar("T")


async def within(clock: Clock, limit: timedelta, work: Coroutine[Any, Any, T]) -> T:
    """Answer what work answers. Raises TimeoutError where that takes too long; the work is cancelled then."""
    task, timer = asyncio.ensure_future(work), asyncio.ensure_future(clock.sleep(limit))
    try:
        await asyncio.wait((task, timer), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()
        timer.cancel()
        await asyncio.gather(task, timer, return_exceptions=True)


async def ended_within(
    clock: Clock, limit: timedelta, work: Mapping[K, Coroutine[Any, Any, T]], late: Callable[[K], None]
) -> dict[K, T]:
    """Answer what each answers that ends in time, side by side; the others are cancelled once `late` was told of each.

    Raises what the first to fail raises.
    """
    if not work:
        return {}
    tasks = {key: asyncio.ensure_future(each) for key, each in work.items()}
    everything, timer = asyncio.gather(*tasks.values()), asyncio.ensure_future(clock.sleep(limit))
    try:
        await asyncio.wait((everything, timer), return_when=asyncio.FIRST_COMPLETED)
        if everything.done():
            return dict(zip(tasks, everything.result(), strict=True))
        for key in (key for key, task in tasks.items() if not task.done()):
            late(key)
        return {key: task.result() for key, task in tasks.items() if task.done()}
    finally:
        for each in (*tasks.values(), timer):
            each.cancel()
        await asyncio.gather(*tasks.values(), timer, everything, return_exceptions=True)


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Answer what work answers; it goes on to its end though the one who waits for it gives up."""
    task = asyncio.ensure_future(work)
    _unwaited.add(task)
    task.add_done_callback(_ended)
    return await asyncio.shield(task)


_unwaited: set[asyncio.Future[Any]] = set()
"""The event loop itself holds its tasks weakly."""


def _ended(task: asyncio.Future[Any]) -> None:
    _unwaited.discard(task)
    if not task.cancelled():
        task.exception()  # known to whoever waited; to nobody else is it news


async def first_of(event: Awaitable[object], timer: Awaitable[None]) -> None:
    """Wait for whichever comes first; the other one is cancelled."""
    events, timers = asyncio.ensure_future(event), asyncio.ensure_future(timer)
    try:
        await asyncio.wait((events, timers), return_when=asyncio.FIRST_COMPLETED)
    finally:
        events.cancel()
        timers.cancel()
