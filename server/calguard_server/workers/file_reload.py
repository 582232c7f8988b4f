"""Looks again and again whether files have changed, and has what they hold by then in force."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import Generic, TypeVar

from calguard_server.engine.ports.clock import Clock

_INTERVAL = timedelta(seconds=1)

Held = TypeVar("Held")


class FileReload(ABC, Generic[Held]):
    """Runs until it is cancelled. Files that are bad, or gone, leave in force what was read last.

    `poll` answers what the files hold where that has changed, else None, and raises an `error` where they are of no
    use; what is wrong is told once for each reason.
    """

    def __init__(self, poll: Callable[[], Held | None], error: type[Exception], clock: Clock) -> None:
        self._poll = poll
        self._error = error
        self._clock = clock
        self._complaint = ""

    async def run(self) -> None:
        """Look, every second."""
        while True:
            await self._clock.sleep(_INTERVAL)
            await self.look()

    async def look(self) -> None:
        """Look once; off the event loop, because the files may be on a disk that hangs."""
        try:
            held = await asyncio.to_thread(self._poll)
        except self._error as error:
            if (complaint := str(error)) != self._complaint:
                self._complaint = complaint
                self._refused(complaint)
            return
        if held is not None:
            self._complaint = ""
            self._taken(held)

    @abstractmethod
    def _taken(self, held: Held) -> None:
        """Have in force what the files hold."""

    @abstractmethod
    def _refused(self, problem: str) -> None:
        """Tell that the files are of no use."""
