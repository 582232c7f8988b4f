"""Counting what there is, dropping what is past keeping, and seeing that the file can be written."""

import sqlite3
from collections.abc import Callable
from datetime import datetime

from calguard_server.engine.ports.counts import StatusCounts, WorkCounts
from calguard_server.store import counts, deliveries
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.values import to_micros
from calguard_server.store.sqlite.base import Base

_BROUGHT_FORWARD = (
    "checks_brought_forward",
    "failing_checks_brought_forward",
    "deliveries_brought_forward",
    "entries_brought_forward",
    "reviews_brought_forward",
)


class UpkeepCalls(Base):
    """What looks after the whole database."""

    async def status_counts(self) -> StatusCounts:
        """Count links, pages and deliveries."""
        return await self._readers.read(counts.count)

    async def work_counts(self) -> WorkCounts:
        """Count what waits."""
        return await self._readers.read(counts.count_work)

    async def prune(self, changes_before: datetime, requests_before: datetime, keep_revisions: int) -> int:
        """Drop what is past keeping."""
        return await self.writer.submit(_pruning(changes_before, requests_before, keep_revisions))

    async def prune_ledger(self, before: datetime, limit: int) -> int:
        """Drop what is past keeping of the ledger."""
        return await self.writer.submit(lambda connection: deliveries.prune(connection, before, limit))

    async def probe(self) -> None:
        """Commit nothing."""
        await self.writer.submit(_nothing)

    async def bring_forward(self, now: datetime, latest: datetime) -> None:
        """Have done now what is put off beyond a time: by a clock that was ahead."""
        values = (to_micros(now), to_micros(latest))

        def update(connection: sqlite3.Connection) -> None:
            for query in _BROUGHT_FORWARD:
                connection.execute(QUERIES[query], values)

        await self.writer.submit(update)


def _nothing(_connection: sqlite3.Connection) -> None:
    """Change nothing."""


def _pruning(
    changes_before: datetime, requests_before: datetime, keep_revisions: int
) -> Callable[[sqlite3.Connection], int]:
    def prune(connection: sqlite3.Connection) -> int:
        latest = int(connection.execute(QUERIES["latest_revision"]).fetchone()[0])
        connection.execute(QUERIES["remember_pruned"], (str(latest),))
        horizon = (to_micros(changes_before), latest - keep_revisions)
        dropped = connection.execute(QUERIES["prune_events"], horizon).rowcount
        dropped += connection.execute(QUERIES["prune_answers"], (to_micros(requests_before),)).rowcount
        dropped += connection.execute(QUERIES["prune_attempts"], (to_micros(requests_before),)).rowcount
        dropped += connection.execute(QUERIES["prune_slack_posts"], (to_micros(requests_before),)).rowcount
        return dropped

    return prune
