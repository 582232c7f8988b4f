"""The state as it stood at one revision: one read transaction for as long as it is open, or for one look."""

import json
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

from calguard_server.domain.appointment import LONGEST, Appointment
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import WorkingSet
from calguard_server.store.appointments import read_upcoming
from calguard_server.store.connection import Connection
from calguard_server.store.load import load_seeds
from calguard_server.store.queries import QUERIES
from calguard_server.store.readers import Readers
from calguard_server.store.rows.incidents import provider_status_of
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.pages import page_of
from calguard_server.store.rows.values import Row
from calguard_server.store.vault import Vault

T = TypeVar("T", CalendarLink, BookingPage, ProviderStatus)

_BATCH = 500
"""How many rows one step reads."""


class SqliteSnapshot:
    """A snapshot over a connection that holds a read transaction."""

    def __init__(self, connection: Connection, revision: int) -> None:
        self.revision = revision
        self._connection = connection

    def links(self, ids: Collection[str], account_ids: Collection[str]) -> AsyncIterator[list[CalendarLink]]:
        """Iterate over links in batches; empty collections do not narrow."""
        return self._batches("links_of_snapshot", link_of, ids, account_ids)

    def pages(self, ids: Collection[str], account_ids: Collection[str]) -> AsyncIterator[list[BookingPage]]:
        """Iterate over pages in batches; empty collections do not narrow."""
        return self._batches("pages_of_snapshot", page_of, ids, account_ids)

    async def appointments(
        self, page_ids: Collection[str], account_ids: Collection[str], now: datetime
    ) -> AsyncIterator[list[Appointment]]:
        """Iterate in batches over appointments that are assigned and not over, in the order of their start times."""
        after = (now - LONGEST, "")  # no appointment is longer: one that began before is over
        while True:
            batch = await self._connection.run(_upcoming(after, now, page_ids, account_ids))
            if batch:
                yield batch
                after = (batch[-1].time.start, batch[-1].id)
            if len(batch) < _BATCH:
                return

    async def provider_statuses(self) -> AsyncIterator[list[ProviderStatus]]:
        """Iterate over the status of every provider that ever had an incident."""
        yield await self._connection.run(_reading("provider_statuses", provider_status_of, ()))

    async def _batches(
        self, query: str, object_of: Callable[[Row], T], ids: Collection[str], account_ids: Collection[str]
    ) -> AsyncIterator[list[T]]:
        after = ""
        narrowing: tuple[str, str] = (json.dumps(sorted(ids)), json.dumps(sorted(account_ids)))
        while True:
            batch = await self._connection.run(_reading(query, object_of, (after, _BATCH, *narrowing)))
            if batch:
                yield batch
                after = batch[-1].id
            if len(batch) < _BATCH:
                return


def _reading(
    query: str, object_of: Callable[[Row], T], values: tuple[object, ...]
) -> Callable[[sqlite3.Connection], list[T]]:
    def read(connection: sqlite3.Connection) -> list[T]:
        return [object_of(row) for row in connection.execute(QUERIES[query], values)]

    return read


def _upcoming(
    after: tuple[datetime, str], now: datetime, page_ids: Collection[str], account_ids: Collection[str]
) -> Callable[[sqlite3.Connection], list[Appointment]]:
    return lambda connection: read_upcoming(connection, after, _BATCH, now, page_ids, account_ids)


@asynccontextmanager
async def open_snapshot(readers: Readers) -> AsyncIterator[SqliteSnapshot]:
    """Open a snapshot of what is committed now."""
    async with readers.lend() as connection:
        revision = await connection.run(_begin)
        try:
            yield SqliteSnapshot(connection, revision)
        finally:
            await connection.run(_end)


def look(connection: sqlite3.Connection, vault: Vault, seeds: Seeds) -> WorkingSet:
    """Load what seeds name, in a read transaction."""
    return load_seeds(connection, vault, [seeds], _revision(connection))


def _begin(connection: sqlite3.Connection) -> int:
    connection.execute("BEGIN")
    return _revision(connection)


def _revision(connection: sqlite3.Connection) -> int:
    return int(connection.execute(QUERIES["latest_revision"]).fetchone()[0])


def _end(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
