"""What a commit that failed says of the database: whether the writer may go on after it.

1. What the operator must mend, and a database that is no longer what this process knows of it, end the writer at once.
2. What is wrong in one group is logged: a value that cannot be saved, a constraint that is broken.
3. What the database fails by and nobody foresaw is logged, too, and ends the writer when it goes on.
"""

import sqlite3

import structlog

from calguard_server.store.errors import StoreError, advice_for, is_locked, store_error

_log = structlog.get_logger()

UNFORESEEN_MAX = 3
"""How many failures in a row that nobody foresaw, with no change saved in between, end the writer."""


class CommitFailures:
    """Judges each failure of a commit to the database at a path."""

    def __init__(self, path: object) -> None:
        self._path = path
        self._unforeseen = 0

    def saved(self) -> None:
        """Take note that a change was saved."""
        self._unforeseen = 0

    def judge(self, error: Exception) -> StoreError | None:
        """Answer why the writer cannot go on; None where it can."""
        if isinstance(error, StoreError):
            return error
        if is_locked(error):
            _log.warning("another program holds the database locked: changes were refused")
            return None
        if isinstance(error, sqlite3.Error) and advice_for(error) is not None:
            return store_error(self._path, error)
        _log.error("a group of changes could not be committed", exc_info=error)
        return self._judge_again(error) if isinstance(error, sqlite3.DatabaseError) else None

    def _judge_again(self, error: sqlite3.DatabaseError) -> StoreError | None:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError):
            return None
        self._unforeseen += 1
        return store_error(self._path, error) if self._unforeseen >= UNFORESEEN_MAX else None
