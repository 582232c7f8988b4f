"""A file, and whether the name by which it was opened still leads to it."""

import os
from pathlib import Path


class OpenedFile:
    """The file that a name leads to now. Raises OSError where it leads to none.

    With `follow` a symbolic link may come to stand for it; without, the name has to be its own.
    """

    def __init__(self, path: Path, *, follow: bool = False) -> None:
        self._name = os.fspath(path)  # each commit asks for it, and a Path takes twice as long
        self._look = os.stat if follow else os.lstat
        # Only by O_PATH: to close any other descriptor of a database lets go of all of SQLite's locks on it.
        self._file = open(path, "rb", buffering=0, opener=_by_path)  # noqa: SIM115 - closed by `close`
        self._opened = os.fstat(self._file.fileno())

    def in_place(self) -> bool:
        """Tell whether the name leads to it still."""
        try:
            found = self._look(self._name)
        except OSError:
            return False
        return os.path.samestat(found, self._opened)

    def nameless(self) -> bool:
        """Tell whether no name leads to it: it ends with the last who has it open."""
        return os.fstat(self._file.fileno()).st_nlink == 0

    def close(self) -> None:
        """Let go of it; once more does nothing."""
        self._file.close()


def _by_path(path: str, _flags: int) -> int:
    return os.open(path, os.O_PATH | os.O_CLOEXEC)
