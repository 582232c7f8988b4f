"""Waiting for something to happen, or for a time to pass."""

import asyncio
from collections.abc import Awaitable


async def first_of(event: Awaitable[object], timer: Awaitable[None]) -> None:
    """Wait for whichever comes first; the other one is cancelled."""
    events, timers = asyncio.ensure_future(event), asyncio.ensure_future(timer)
    try:
        await asyncio.wait((events, timers), return_when=asyncio.FIRST_COMPLETED)
    finally:
        events.cancel()
        timers.cancel()
