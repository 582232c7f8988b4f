"""A resume token kept in a file."""

import os
from pathlib import Path


class TokenFile:
    """Keeps the last resume token across restarts.

    Where the state that is kept lives elsewhere, in a database say, keep the token there, in the same transaction:
    a token in a file may be behind, so that changes are told again, and never ahead if it is saved last.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)

    def load(self) -> str:
        """Answer the token; empty where there is none yet. Raises OSError."""
        try:
            return self._path.read_text("ascii").strip()
        except FileNotFoundError:
            return ""

    def save(self, token: str) -> None:
        """Keep a token in place of the last, whole or not at all; an empty one is left alone. Raises OSError."""
        if not token:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{token}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
