"""Who has the database: one process at a time. The writer counts revisions in memory, so there can be only one."""

import fcntl
from pathlib import Path
from typing import IO

from calguard_server.store.errors import StoreError, StoreTrouble

_OWN = 0o600


def take(path: Path, *, make: bool = True) -> IO[str]:
    """Take a database until the answer is closed or the process ends; `make`: where there is none, an empty one.

    Raises StoreError where another process has it, or where it cannot be written.
    """
    try:
        if make:
            path.touch(mode=_OWN)  # before SQLite does: what it makes beside the database is as private as that
        beside = path.with_name(path.name + "-lock")
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
    return lock
