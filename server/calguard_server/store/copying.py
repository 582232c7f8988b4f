"""Copying a database that is in use into a file of its own."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

_PAGES = 1024
"""How many pages a step copies."""

_OWN = 0o600

Progress = Callable[[int, int], None]
"""Told after each step: how many pages are left, of how many."""


def copy(source: sqlite3.Connection, target: Path, told: Progress) -> None:
    """Copy what is committed now into a file, which is one file by itself, on the disk when this returns.

    One read transaction is held meanwhile: whatever is written, no step begins anew, and no writer waits.
    """
    target.touch(mode=_OWN)
    target.chmod(_OWN)
    source.execute("BEGIN")
    try:
        source.execute("SELECT 1 FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            source.backup(connection, pages=_PAGES, progress=lambda _, left, total: told(left, total))
            connection.execute("PRAGMA journal_mode = DELETE")
    finally:
        source.execute("ROLLBACK")
    sync(target)


def sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
