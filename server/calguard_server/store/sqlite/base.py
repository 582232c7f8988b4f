"""What the store's calls have in common: the connections, and the vault."""

from collections.abc import Callable
from typing import TypeVar

from calguard_server.store.queries import QUERIES
from calguard_server.store.readers import Readers
from calguard_server.store.rows.values import Row
from calguard_server.store.vault import Vault
from calguard_server.store.writer import Writer

T = TypeVar("T")


class Base:
    """The writer, the pools that read beside it, and what opens secrets."""

    def __init__(self, writer: Writer, readers: Readers, snapshots: Readers, vault: Vault) -> None:
        self.writer = writer
        self._readers = readers
        self._snapshots = snapshots
        self._vault = vault

    async def _one(self, query: str, *values: object) -> Row | None:
        row: Row | None = await self._readers.read(
            lambda connection: connection.execute(QUERIES[query], values).fetchone()
        )
        return row

    async def _all(self, object_of: Callable[[Row], T], query: str, *values: object) -> list[T]:
        return await self._readers.read(
            lambda connection: [object_of(row) for row in connection.execute(QUERIES[query], values)]
        )
