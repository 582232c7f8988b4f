"""Finds out whether the database takes changes, also when nobody makes any, so that health tells the truth.

A database that does not answer, as on a disk that hangs or while another program holds it, is waited for. Whether one
that refuses a change ends the process is the store's to say, and not found out here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from calguard_server.domain.errors import UnavailableError
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store

_log = structlog.get_logger()

_EVERY = timedelta(seconds=2)
_PATIENCE = timedelta(seconds=3)
"""How long an empty change may take. It is committed with others, and so waits no longer than they do."""


class StoreProbe:
    """Runs until it is cancelled. `tell` is told when the store stops taking changes, and when it takes them again."""

    def __init__(self, store: Store, clock: Clock, tell: Callable[[bool], Awaitable[None]]) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._writable = True

    async def run(self) -> None:
        """Probe again and again."""
        while True:
            await self._probe()
            await self._clock.sleep(_EVERY)

    async def _probe(self) -> None:
        answer = asyncio.ensure_future(self._store.probe())
        patience = asyncio.ensure_future(self._clock.sleep(_PATIENCE))
        try:
            await asyncio.wait((answer, patience), return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await self._found(writable=False)
            await self._found(writable=await _taken(answer))
        finally:
            for each in (answer, patience):
                each.cancel()

    async def _found(self, *, writable: bool) -> None:
        if writable is self._writable:
            return
        self._writable = writable
        if writable:
            _log.info("the database takes changes again")
        else:
            _log.error("the database does not take changes: check the disk, and what else has the file open")
        await self._tell(writable)


async def _taken(answer: Awaitable[None]) -> bool:
    try:
        await answer
    except UnavailableError:
        return False
    return True
