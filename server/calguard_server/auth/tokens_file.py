"""The file of callers: what its lines say, and whether it has changed.

What follows a `#` is a comment. The file holds hashes of tokens only. What is said of a bad line names the file and the
line, and nothing of what stands there.
"""

from collections.abc import Iterator
from pathlib import Path

from calguard_server.auth.caller_line import parse_line
from calguard_server.auth.callers import Caller, Callers
from calguard_server.auth.watched_file import WatchedFile


class TokensFileError(Exception):
    """The file cannot be read, or a line of it is bad. The text holds nothing of what the file holds."""


class TokensFile:
    """A file that is looked at again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = WatchedFile(path)

    def read(self) -> Callers:
        """Read it. Raises TokensFileError."""
        try:
            raw = self._file.read()
        except OSError as error:
            raise self._unreadable(error) from None
        return parse(raw, self._path)

    def poll(self) -> Callers | None:
        """Read it where it has changed since the last time; None where it has not.

        Raises TokensFileError: each time while it cannot be read, once for each bad content.
        """
        try:
            raw = self._file.poll()
        except OSError as error:
            raise self._unreadable(error) from None
        return None if raw is None else parse(raw, self._path)

    def _unreadable(self, error: OSError) -> TokensFileError:
        return TokensFileError(f"{self._path}: cannot be read: {error.strerror}")


def parse(raw: bytes, path: Path) -> Callers:
    """Read the lines of a file. Raises TokensFileError, which names the first line that is bad."""
    if len(raw) > WatchedFile.size_max:
        raise TokensFileError(f"{path}: expected at most {WatchedFile.size_max} bytes")
    callers: dict[bytes | str, Caller] = {}
    line_of: dict[bytes | str, int] = {}
    for number, line in _lines(raw):
        try:
            key, caller = parse_line(line)
        except ValueError as error:
            raise TokensFileError(f"{path}, line {number}: {error}") from None
        if key in callers:
            what = "token" if isinstance(key, bytes) else "name of a certificate"
            raise TokensFileError(f"{path}, line {number}: expected another {what} than that of line {line_of[key]}")
        callers[key], line_of[key] = caller, number
    return callers


def _lines(raw: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(raw.splitlines(), start=1):
        said = line.partition(b"#")[0].strip()
        if said:
            yield number, said
