"""Where a watch goes on: a token that was given, or one kept in a file."""

import os
from pathlib import Path

import click

from calguard_client.token_file import TokenFile


class Bookmark:
    """The token to begin with, and where the later ones are kept, if anywhere.

    Raises click.UsageError where the file cannot be read or written, or holds no token.
    """

    def __init__(self, token: str, path: Path | None) -> None:
        self.token = token
        self.path = path
        self._file = None if path is None else TokenFile(path)
        if path is not None and self._file is not None:
            self.token = _load(self._file, path)

    def move(self, token: str) -> None:
        """Keep a token; an empty one is left alone. Raises click.UsageError."""
        self.token = token or self.token
        if self._file is not None and self.path is not None:
            try:
                self._file.save(token)
            except OSError as error:
                raise _refused(self.path, f"cannot be written ({error.strerror})") from error


def _load(file: TokenFile, path: Path) -> str:
    folder = path.absolute().parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _refused(path, f"its folder {folder} cannot be written")
    try:
        token = file.load()
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror})") from error
    except ValueError:
        raise _refused(path, "holds no token: remove it to begin anew") from None
    if len(token.split()) > 1:
        raise _refused(path, "holds no token: remove it to begin anew")
    return token


def _refused(path: Path, why: str) -> click.UsageError:
    return click.UsageError(f"--token-file {path}: {why}")
