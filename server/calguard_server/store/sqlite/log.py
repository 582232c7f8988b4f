"""The log of changes, and the state at one revision."""

import sqlite3
from contextlib import AbstractAsyncContextManager

from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.snapshot import Snapshot
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.values import Row, from_list
from calguard_server.store.snapshot import open_snapshot
from calguard_server.store.sqlite.base import Base


class LogCalls(Base):
    """The log, and the state as it stands now."""

    async def revision(self) -> int:
        """Answer the latest revision."""
        return self.writer.revision

    async def epoch_end(self, epoch: str) -> int | None:
        """Answer the last revision of an earlier run; None of one that is unknown, or goes on."""
        row = await self._one("epoch_end", epoch)
        return None if row is None or row[0] is None else int(row[0])

    async def oldest_revision(self) -> int:
        """Answer the oldest revision that the log still holds."""
        row = await self._one("oldest_revision")
        return self.writer.revision + 1 if row is None or row[0] is None else int(row[0])

    async def log_after(self, revision: int, limit: int) -> list[LogEntry]:
        """Read the log after a revision, whole transactions only."""
        return await self._readers.read(lambda connection: _log_after(connection, revision, limit))

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the state as it stands now."""
        return open_snapshot(self._snapshots)


def _log_after(connection: sqlite3.Connection, revision: int, limit: int) -> list[LogEntry]:
    rows = connection.execute(QUERIES["log_after"], (revision, limit)).fetchall()
    if rows and rows[-1][0] != rows[-1][1]:
        rows += connection.execute(QUERIES["log_between"], (rows[-1][0], rows[-1][1])).fetchall()
    return list(map(_log_entry_of, rows))


def _log_entry_of(row: Row) -> LogEntry:
    revision, commit_revision, kind, resource_id, account_ids, encoded, added, removed, page_id = row
    accounts = from_list(account_ids)
    return LogEntry(
        revision, commit_revision, kind, resource_id, accounts, encoded, from_list(added), from_list(removed), page_id
    )
