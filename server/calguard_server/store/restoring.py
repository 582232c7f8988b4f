"""Putting a backup in the database's place, while no server has it.

At every moment the database's name is that of the old one as it was, or of the restored one as a whole: a restore may
be killed, and be begun again. The old one is kept under a name of its own.

Nothing is to be done about watchers: resume tokens name the run of a server that made them, and what a run told after
the backup was made is refused as TOKEN_FROM_FUTURE, however far the restored database has come by then.
"""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from calguard_server.store import lock
from calguard_server.store.contents import Contents, verified
from calguard_server.store.copying import Progress, copy, sync
from calguard_server.store.errors import StoreError, StoreTrouble, store_error
from calguard_server.store.place import ASIDE

_BESIDE = ("-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the database now, and where the one before is; None where there was none."""

    contents: Contents
    aside: Path | None


def restore(backup: Path, database: Path, told: Progress, now: datetime) -> Restored:
    """Put a backup in the database's place, after it was looked at as a whole.

    Raises StoreError where a server has the database, or the backup is of no use.
    """
    contents = verified(backup)
    with lock.take(database, make=False) as taken:
        database = taken.path
        if database.exists() and database.samefile(backup):
            raise StoreError(f"{backup}: is the database itself", StoreTrouble.UNUSABLE)
        part = database.with_name(database.name + ".restoring")
        if part.exists() and part.samefile(backup):
            raise StoreError(f"{backup}: has the name that a restore writes to: rename it", StoreTrouble.UNUSABLE)
        part.unlink(missing_ok=True)
        try:
            _copy(backup, part, told)
            if verified(part) != contents:
                raise StoreError(f"{backup}: changes while it is read: is a server using it?", StoreTrouble.IN_USE)
            aside = _set_aside(database, now)
            part.replace(database)
        finally:
            part.unlink(missing_ok=True)
        sync(database.parent)
    return Restored(contents, aside)


def _copy(backup: Path, part: Path, told: Progress) -> None:
    with closing(sqlite3.connect(f"{backup.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as source:
        try:
            copy(source, part, told)
        except sqlite3.Error as error:
            raise store_error(part, error) from error


def _set_aside(database: Path, now: datetime) -> Path | None:
    """Give the old database a second name, and take away what SQLite would else read into the new one."""
    aside = database.with_name(f"{database.name}{ASIDE}{now:%Y%m%dT%H%M%SZ}")
    there = database.exists() and database.stat().st_size > 0
    if there:
        _complete(database)
        os.link(database, aside)
    for suffix in _BESIDE:
        beside = database.with_name(database.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    sync(database.parent)
    return aside if there else None


def _complete(database: Path) -> None:
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database, isolation_level=None)) as connection:
        # What is still in the write-ahead log goes into the file, and the log away; of a damaged one both are kept.
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise StoreError(
                f"CALGUARD_DATABASE_URL: {database}: another program reads it: end that program", StoreTrouble.IN_USE
            )
