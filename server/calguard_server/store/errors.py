"""When the database cannot be used: what to tell the operator."""

import sqlite3
from enum import Enum, auto

from calguard_server.domain.errors import UnavailableError


class StoreTrouble(Enum):
    """Why the store cannot be used."""

    FAILED = auto()
    """By a fault of ours, or one that nobody knows yet."""
    NOT_WRITABLE = auto()
    IN_USE = auto()
    UNUSABLE = auto()
    """It is damaged, no database of ours, or of a newer version."""
    DISK = auto()
    """It is full, or fails."""
    KEYS_MISSING = auto()
    GONE = auto()
    """Its file is no longer where it was opened."""


class StoreError(Exception):
    """The store cannot be opened, or can no longer be written; the text says what to do. Nothing was lost."""

    def __init__(self, text: str, trouble: StoreTrouble = StoreTrouble.FAILED) -> None:
        super().__init__(text)
        self.trouble = trouble


_ADVICE = {
    "SQLITE_FULL": (StoreTrouble.DISK, "the disk is full: free some space, then start again"),
    "SQLITE_READONLY": (
        StoreTrouble.NOT_WRITABLE,
        "it is not writable: give this user the right to write the file and its folder",
    ),
    "SQLITE_CANTOPEN": (
        StoreTrouble.NOT_WRITABLE,
        "it cannot be opened: check that the folder exists and that this user may write there",
    ),
    "SQLITE_PERM": (
        StoreTrouble.NOT_WRITABLE,
        "it may not be accessed: give this user the right to read and write it",
    ),
    "SQLITE_IOERR": (
        StoreTrouble.DISK,
        "reading or writing it failed: check the disk and its free space, then start again",
    ),
    "SQLITE_CORRUPT": (StoreTrouble.UNUSABLE, "it is damaged: restore a backup"),
    "SQLITE_NOTADB": (StoreTrouble.UNUSABLE, "it is not a database: check DATABASE_URL"),
    "SQLITE_BUSY": (StoreTrouble.IN_USE, "another program holds it locked: end that program"),
}


def advice_for(error: sqlite3.Error) -> str | None:
    """Tell what the operator must do about an error of the database; None where it is not the operator's."""
    known = _known(error)
    return None if known is None else known[1]


def store_error(path: object, error: sqlite3.Error) -> StoreError:
    """Turn an error of the database into one that says what to do."""
    trouble, advice = _known(error) or (StoreTrouble.FAILED, str(error))
    return StoreError(f"CALGUARD_DATABASE_URL: {path}: {advice}", trouble)


def _known(error: sqlite3.Error) -> tuple[StoreTrouble, str] | None:
    name = getattr(error, "sqlite_errorname", "")
    return next((known for prefix, known in _ADVICE.items() if name.startswith(prefix)), None)


def is_locked(error: Exception) -> bool:
    """Tell whether another program holds the database locked, which passes."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def unavailable() -> UnavailableError:
    """What a caller is told when a commit failed: nothing of it was kept."""
    return UnavailableError(
        "STORE_UNAVAILABLE", "the change could not be saved, and nothing was changed: try again later"
    )
