"""How the server is, in numbers. Whoever asks within a second of another is told the same, so that asking is cheap."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct

from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import PageState
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store

FRESH_SECONDS = 1.0
"""How long a reading is told before the next is made."""


class ServerStatus(Struct, frozen=True):
    """A reading. `revision` is the latest, `watches` how many are open, the notices as in `StatusCounts`."""

    version: str
    start_time: datetime
    read_time: datetime
    revision: int
    links: Mapping[LinkState, int]
    pages: Mapping[PageState, int]
    watches: int
    unsent: int
    oldest_unsent_time: datetime | None
    dead: int


class StatusReading:
    """Reads the status. `watches` tells how many are open; the start is when this is made."""

    def __init__(self, store: Store, clock: Clock, version: str, watches: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._version = version
        self._watches = watches
        self._start_time = clock.now()
        self._turn = asyncio.Lock()
        self._latest: ServerStatus | None = None
        self._read_at = 0.0

    async def read(self) -> ServerStatus:
        """Answer a reading that is a second old at most."""
        async with self._turn:
            if self._latest is None or self._clock.timer() - self._read_at >= FRESH_SECONDS:
                self._latest = await self._count()
                self._read_at = self._clock.timer()
            return self._latest

    async def _count(self) -> ServerStatus:
        # The time goes with the revision: changes a second are worked out from the two.
        revision, now = await self._store.revision(), self._clock.now()
        counts = await self._store.status_counts()
        pages = Counter(dict.fromkeys(PageState, 0))
        for phase, number in counts.pages.items():
            pages[phase.state] += number
        return ServerStatus(
            version=self._version,
            start_time=self._start_time,
            read_time=now,
            revision=revision,
            links=counts.links,
            pages=pages,
            watches=self._watches(),
            unsent=counts.unsent,
            oldest_unsent_time=counts.oldest_unsent_time,
            dead=counts.dead,
        )
