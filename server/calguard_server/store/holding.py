"""Whether a database is still what this process knows of it; each commit asks, and so does the probe of an idle server.

The end of the log is kept in memory, and watchers were told of it. That is true only of the file that was opened, and
while nobody else writes the log. Other programs may write else, as `rotate-keys` does.
"""

import sqlite3
from datetime import datetime
from pathlib import Path

from calguard_server.store.copying import copy
from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.lock import Taken
from calguard_server.store.opened_file import OpenedFile
from calguard_server.store.place import SAVED
from calguard_server.store.queries import QUERIES

_FILE_GONE = "its file was moved, removed or replaced while it was served"
_LOG_GONE = "its log (-wal) was moved or removed while it was served"
_IN_MOVED = "all that was answered is in the file that was moved: put it back, then start again"
_IN_DATABASE = "all that was answered is in the database: see that nobody removes the files beside it, then start again"


class Holding:
    """What this process holds of a database until it is closed; `path` is the name that it was given."""

    def __init__(self, path: Path, taken: Taken, epoch: str) -> None:
        self.path = path
        self._taken = taken
        self._epoch = epoch
        self._given = OpenedFile(path, follow=True)
        self._database = OpenedFile(taken.path)
        self._log = OpenedFile(taken.path.with_name(taken.path.name + "-wal"))
        self._lock = OpenedFile(Path(taken.lock.name))

    def look(self, connection: sqlite3.Connection, revision: int) -> None:
        """See, in a transaction that writes, that all is as this process left it at a revision. Raises StoreError."""
        if not (self._given.in_place() and self._database.in_place()):
            raise self._error(_FILE_GONE, StoreTrouble.GONE)
        if not self._log.in_place():
            raise self._error(_LOG_GONE, StoreTrouble.GONE)
        if not self._lock.in_place():
            raise self._error(
                "its lock (-lock) was removed while it was served, and another server may have it: see that only one "
                "runs, then start again",
                StoreTrouble.IN_USE,
            )
        if connection.execute(QUERIES["where_it_stands"]).fetchone() != (revision, self._epoch):
            raise self._error(
                "another program has written to it while it was served: end that program, run `calguard-server check`, "
                "then start again",
                StoreTrouble.IN_USE,
            )

    def rescued(self, connection: sqlite3.Connection, now: datetime) -> StoreError:
        """Put all that was answered into one file, which a file that is gone is not; answer what to do."""
        try:
            what, advice = self._rescue(connection, now)
        except (OSError, sqlite3.Error) as error:
            what, advice = _FILE_GONE, f"the latest changes could not be saved ({error}): restore a backup"
        return self._error(f"{what}: {advice}", StoreTrouble.GONE)

    def _rescue(self, connection: sqlite3.Connection, now: datetime) -> tuple[str, str]:
        if self._database.nameless():
            return _FILE_GONE, self._saved_copy(connection, now)
        whole = _complete(connection)
        if self._given.in_place() and self._database.in_place():
            return _LOG_GONE, _IN_DATABASE if whole else "put the log back, then start again"
        return _FILE_GONE, _IN_MOVED if whole else "put it back with what is beside it (-wal), then start again"

    def close(self) -> None:
        """Let others have the database."""
        for each in (self._given, self._database, self._log, self._lock, self._taken):
            each.close()

    def _saved_copy(self, connection: sqlite3.Connection, now: datetime) -> str:
        target = self._taken.path.with_name(f"{self._taken.path.name}{SAVED}{now:%Y%m%dT%H%M%SZ}")
        copy(connection, target, lambda _left, _total: None)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # no other file is to be read with what is in the log
        return f"all that was answered is saved in {target}: `calguard-server restore` it, then start again"

    def _error(self, text: str, trouble: StoreTrouble) -> StoreError:
        return StoreError(f"CALGUARD_DATABASE_URL: {self.path}: {text}", trouble)


def _complete(connection: sqlite3.Connection) -> bool:
    """Move the log into the file; answer whether all of it is there."""
    busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy
