"""Backups: one file each, made beside a server that runs.

A backup is written under a name of its own, looked at as a whole, and given its name then: what has the name is good.
"""

import fcntl
import sqlite3
from pathlib import Path
from typing import IO

from calguard_server.store.contents import Contents, read_contents, verified
from calguard_server.store.copying import Progress, copy, sync
from calguard_server.store.errors import StoreError, StoreTrouble, advice_for
from calguard_server.store.existing import opened
from calguard_server.store.place import is_part, real

_OWN = 0o600


class BackupError(Exception):
    """The file cannot be made; the text names it."""


def back_up(database: Path, target: Path, told: Progress, *, force: bool) -> Contents:
    """Back a database up into a file; answer what is in it.

    Raises StoreError where the database cannot be read, BackupError where the file cannot be made. Without `force` a
    file that is there already is left alone.
    """
    part = target.with_name(target.name + ".part")
    _refuse_own(real(database), target, part)
    _refuse_others(target, force=force)
    with opened(database, current=False) as source:
        read_contents(source, database)
        try:
            taken = _take(part)
        except OSError as error:
            raise BackupError(f"{part}: cannot be written: {error.strerror}") from error
        try:
            return _make(source, part, target, told, force=force)
        finally:
            part.unlink(missing_ok=True)
            taken.close()


def _make(source: sqlite3.Connection, part: Path, target: Path, told: Progress, *, force: bool) -> Contents:
    try:
        copy(source, part, told)
    except sqlite3.Error as error:
        raise _failed(part, error) from error
    contents = verified(part)
    if target.exists() and not force:  # made by somebody else meanwhile
        raise _there(target)
    part.replace(target)
    sync(target.parent)
    return contents


def _refuse_own(database: Path, *written: Path) -> None:
    for each in written:
        if is_part(each, database):
            raise BackupError(f"{each}: is the database itself, or a file that belongs to it: choose another name")


def _refuse_others(target: Path, *, force: bool) -> None:
    if target.exists():
        if not force:
            raise _there(target)
        if not target.is_file():
            raise BackupError(f"{target}: is no file")


def _there(target: Path) -> BackupError:
    return BackupError(f"{target}: is there already: choose another name, or --force")


def _take(part: Path) -> IO[str]:
    """Begin the file anew: what was left of a backup that was killed is of no use. Raises OSError."""
    part.touch(mode=_OWN)
    taken = part.open("r+")
    try:
        fcntl.flock(taken, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        taken.close()
        raise
    taken.truncate()
    return taken


def _failed(part: Path, error: sqlite3.Error) -> Exception:
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreError(f"the database cannot be read: {error}: restore a backup", StoreTrouble.UNUSABLE)
    return BackupError(f"{part}: {advice_for(error) or error}")
