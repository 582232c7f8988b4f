"""A file, and whether the name by which it was opened still leads to it."""

import os
from pathlib import Path


class OpenedFile:
    """The file that a name leads to now. Raises OSError where it leads to none."""

    def __init__(self, path: Path) -> None:
        self._name = os.fspath(path)  # each commit asks for it, and a Path takes twice as long
        # Only by O_PATH: to close any other descriptor of a database lets go of all of SQLite's locks on it.
        self._descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        self._opened = os.fstat(self._descriptor)

    def in_place(self) -> bool:
        """Tell whether the name leads to it still."""
        try:
            found = os.stat(self._name)  # noqa: PTH116 - as above
        except OSError:
            return False
        return os.path.samestat(found, self._opened)

    def nameless(self) -> bool:
        """Tell whether no name leads to it: it ends with the last who has it open."""
        return os.fstat(self._descriptor).st_nlink == 0

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)
