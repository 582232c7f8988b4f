"""Waiting for something to happen, or for a time to pass."""

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import timedelta
from typing import Any, TypeVar

from calguard_server.engine.ports.clock import Clock

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
