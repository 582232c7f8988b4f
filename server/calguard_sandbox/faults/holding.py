"""Seeing a request through though whoever asked is gone: a service that has it does not know that."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Holder:
    """Keeps what is held alive, which the event loop does not do by itself."""

    def __init__(self) -> None:
        self._held: set[asyncio.Task[Any]] = set()

    async def see_through(self, work: Coroutine[Any, Any, T]) -> T:
        """Answer what comes of it; cancelled, it goes on all the same."""
        task = asyncio.ensure_future(work)
        self._held.add(task)
        task.add_done_callback(self._held.discard)
        return await asyncio.shield(task)
