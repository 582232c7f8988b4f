"""The file of tokens: what its lines say, and whether it has changed.

A line is `NAME ROLE sha256:HEX [expires=TIME]`; what follows a `#` is a comment. The file holds hashes only. What is
said of a bad line names the file, the line and what was expected, never what stands there: it may be a token, put there
by mistake.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from calguard_server.auth.callers import Caller, Callers, Role

_SIZE_MAX = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_HASH = re.compile(r"sha256:([0-9A-Fa-f]{64})")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)")
_EXPIRES = "expires="
_ROLES = {role.word: role for role in Role}
_FIELDS_MIN, _FIELDS_MAX = 3, 4

_LINE = "NAME ROLE sha256:HEX [expires=TIME]"

Signature = tuple[int, int, int, int, int]


class TokensFileError(Exception):
    """The file cannot be read, or a line of it is bad. The text holds nothing of what the file holds."""


class TokensFile:
    """A file that is looked at again and again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._raw: bytes | None = None
        self._settled: Signature | None = None

    def read(self) -> Callers:
        """Read it. Raises TokensFileError."""
        try:
            self._raw = self._read()
        except OSError as error:
            raise self._unreadable(error) from None
        return parse(self._raw, self._path)

    def poll(self) -> Callers | None:
        """Read it where it has changed since the last time; None where it has not.

        Raises TokensFileError: each time while it cannot be read, once for each bad content. A change is believed to be
        the last only when nothing else is found the next time: two changes may bear the same time.
        """
        try:
            if (signature := self._signature()) == self._settled:
                return None
            raw = self._read()
        except OSError as error:
            self._raw = self._settled = None
            raise self._unreadable(error) from None
        if raw == self._raw:
            self._settled = signature
            return None
        self._raw = raw
        return parse(raw, self._path)

    def _signature(self) -> Signature:
        status = self._path.stat()
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev

    def _read(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(_SIZE_MAX + 1)

    def _unreadable(self, error: OSError) -> TokensFileError:
        return TokensFileError(f"{self._path}: cannot be read: {error.strerror}")


def parse(raw: bytes, path: Path) -> Callers:
    """Read the lines of a file. Raises TokensFileError, which names the first line that is bad."""
    if len(raw) > _SIZE_MAX:
        raise TokensFileError(f"{path}: expected at most {_SIZE_MAX} bytes")
    callers: dict[bytes, Caller] = {}
    line_of: dict[bytes, int] = {}
    for number, line in _lines(raw):
        try:
            digest, caller = _parse_line(line)
        except ValueError as error:
            raise TokensFileError(f"{path}, line {number}: {error}") from None
        if digest in callers:
            raise TokensFileError(f"{path}, line {number}: expected another token than that of line {line_of[digest]}")
        callers[digest], line_of[digest] = caller, number
    return callers


def line_for(caller: Caller, digest: bytes) -> str:
    """Write the line of a token that does not expire."""
    return f"{caller.name} {caller.role.word} sha256:{digest.hex()}"


def caller_name(text: str) -> str:
    """Read a name. Raises ValueError, which says what was expected."""
    if _NAME.fullmatch(text) is None:
        raise ValueError("expected a name of up to 63 letters, digits, dots, hyphens and underscores, no mark first")
    return text


def _lines(raw: bytes) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(raw.splitlines(), start=1):
        said = line.partition(b"#")[0].strip()
        if said:
            yield number, said


def _parse_line(line: bytes) -> tuple[bytes, Caller]:
    fields = line.decode("ascii", errors="replace").split()
    if not _FIELDS_MIN <= len(fields) <= _FIELDS_MAX:
        raise ValueError(f"expected {_LINE}")
    name, role, digest, *more = fields
    return _digest(digest), Caller(caller_name(name), _role(role), _expires(more))


def _role(text: str) -> Role:
    if text not in _ROLES:
        raise ValueError("expected the role reader, writer or admin after the name")
    return _ROLES[text]


def _digest(text: str) -> bytes:
    match = _HASH.fullmatch(text)
    if match is None:
        raise ValueError(
            "expected sha256: and 64 hexadecimal digits after the role, as calguard-server new-token prints them"
        )
    return bytes.fromhex(match[1])


def _expires(fields: Iterable[str]) -> datetime | None:
    for text in fields:
        time = text.removeprefix(_EXPIRES)
        if not text.startswith(_EXPIRES) or _TIME.fullmatch(time) is None:
            raise ValueError("expected expires= and a time such as 2030-01-31T00:00:00Z at the end, or nothing")
        return _moment(time.upper())
    return None


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("expected a time that exists after expires=, such as 2030-01-31T00:00:00Z") from None
