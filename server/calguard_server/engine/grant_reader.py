"""Reading grants to use them: those that are asked for at the same moment are read together.

Each read is a hop to another thread, which costs more than the read.
"""

import asyncio
from collections.abc import Mapping

from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.store import Store


class GrantReader:
    """Answers grants as they are stored when they are asked for; nothing is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._named: set[str] = set()
        self._next: asyncio.Task[Mapping[str, Grant]] | None = None

    async def usable_grant(self, link_id: str) -> Grant | None:
        """Answer a link's grant; None where none is stored, or no key opens it."""
        if self._next is None:
            self._next = asyncio.create_task(self._read())
        self._named.add(link_id)
        return (await asyncio.shield(self._next)).get(link_id)

    async def _read(self) -> Mapping[str, Grant]:
        """Read what was named until the event loop came to begin with it."""
        named, self._named, self._next = self._named, set(), None
        return await self._store.usable_grants(named)
