"""Where a database is: its real name, and the names of what belongs to it."""

import glob
from collections.abc import Iterator
from pathlib import Path

from calguard_server.store.errors import StoreError, StoreTrouble

_BESIDE = ("-wal", "-shm", "-journal", "-lock")

ASIDE = ".before-restore-"
"""What follows the name of a database that a restore has set aside."""

SAVED = ".saved-"
"""What follows the name of a database whose file was removed, in that of the copy that its server left."""


def real(path: Path) -> Path:
    """Follow symbolic links: whatever leads to a database, it is one, with one lock, and one log beside it.

    Raises StoreError where that is not to be told: a file with several names has a log beside each.
    """
    try:
        found = path.resolve()
    except (OSError, RuntimeError) as error:  # the latter for links that lead in a circle
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: leads to no file: check the symbolic links", StoreTrouble.UNUSABLE
        ) from error
    if found.is_file() and found.stat().st_nlink > 1 + _set_aside(found):
        raise StoreError(
            f"CALGUARD_DATABASE_URL: {path}: the file has another name, too (a hard link), by which another program "
            "may use it unseen: remove that one (find -samefile finds it)",
            StoreTrouble.UNUSABLE,
        )
    return found


def parts(database: Path) -> list[Path]:
    """Name every file of a database, by its real name, also those that are not there now."""
    return [database, *(database.with_name(database.name + suffix) for suffix in _BESIDE)]


def is_part(path: Path, database: Path) -> bool:
    """Tell whether a file is one of a database's, by whatever name, or would be if it were made."""
    found = path.resolve()
    return any(found == part or (path.exists() and part.exists() and path.samefile(part)) for part in parts(database))


def saved_copies(database: Path) -> list[Path]:
    """Name the copies that servers left of a database, the latest last."""
    return sorted(_named(database, SAVED))


def _set_aside(database: Path) -> int:
    """Count the names that restores gave the same file: one that was killed leaves it."""
    return sum(1 for each in _named(database, ASIDE) if not each.is_symlink() and each.samefile(database))


def _named(database: Path, suffix: str) -> Iterator[Path]:
    return database.parent.glob(glob.escape(database.name + suffix) + "*")
