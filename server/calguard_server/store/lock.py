"""Who has the database: one process at a time. The writer counts revisions in memory, so there can be only one.

The lock is beside the file that all names of the database lead to.
"""

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.place import real, saved_copies

_OWN = 0o600


@dataclass(frozen=True, slots=True)
class Taken:
    """A database that this process has: `path` is its real name."""

    path: Path
    lock: IO[str]

    def close(self) -> None:
        """Let others have it."""
        self.lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def take(given: Path, *, make: bool = True) -> Taken:
    """Take a database until the answer is closed or the process ends; `make`: where there never was one, an empty one.

    Raises StoreError where another process has it, it has several names, is gone, or cannot be written.
    """
    path = real(given)
    beside = _beside(path)
    if make:
        refuse_lost(path)
    try:
        if make:
            path.touch(mode=_OWN)  # before SQLite does: what it makes beside the database is as private as that
        beside.touch(mode=_OWN)
        lock = beside.open("w")
    except OSError as error:
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: it, or its folder, cannot be written ({error.strerror}): check that the "
            "folder exists and that this user may write both",
            StoreTrouble.NOT_WRITABLE,
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: another calguard-server uses it: stop that one first", StoreTrouble.IN_USE
        ) from error
    return Taken(path, lock)


def refuse_lost(path: Path) -> None:
    """Raise StoreError where a database was, by its real name: an empty one in its place would forget every link.

    A lock is never made before its database, so what has a lock and is not there was moved or removed.
    """
    if not _beside(path).exists() or path.exists():
        return
    copies = [str(copy) for copy in saved_copies(path)]
    raise StoreError(
        f"CALGUARD_DATABASE_URL: {path}: it was moved or removed: put it back, or `calguard-server restore` "
        f"{copies[-1] if copies else 'a backup'}; remove {_beside(path)} to begin without accounts, links and pages",
        StoreTrouble.GONE,
    )


def _beside(path: Path) -> Path:
    return path.with_name(path.name + "-lock")
