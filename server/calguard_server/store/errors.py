"""When the database cannot be used: what to tell the operator."""

import sqlite3

from calguard_server.domain.errors import UnavailableError


class StoreError(Exception):
    """The store cannot be opened, or can no longer be written; the text says what to do. Nothing was lost."""


_ADVICE = {
    "SQLITE_FULL": "the disk is full: free some space, then start again",
    "SQLITE_READONLY": "it is not writable: give this user the right to write the file and its folder",
    "SQLITE_CANTOPEN": "it cannot be opened: check that the folder exists and that this user may write there",
    "SQLITE_PERM": "it may not be accessed: give this user the right to read and write it",
    "SQLITE_IOERR": "reading or writing it failed: check the disk and its free space, then start again",
    "SQLITE_CORRUPT": "it is damaged: restore a backup",
    "SQLITE_NOTADB": "it is not a database: check DATABASE_URL",
    "SQLITE_BUSY": "another program holds it locked: end that program",
}


def advice_for(error: sqlite3.Error) -> str | None:
    """Tell what the operator must do about an error of the database; None where it is not the operator's."""
    name = getattr(error, "sqlite_errorname", "")
    for prefix, advice in _ADVICE.items():
        if name.startswith(prefix):
            return advice
    return None


def store_error(path: object, error: sqlite3.Error) -> StoreError:
    """Turn an error of the database into one that says what to do."""
    return StoreError(f"database {path}: {advice_for(error) or error}")


def unavailable() -> UnavailableError:
    """What a caller is told when a commit failed: nothing of it was kept."""
    return UnavailableError(
        "STORE_UNAVAILABLE", "the change could not be saved, and nothing was changed: try again later"
    )
