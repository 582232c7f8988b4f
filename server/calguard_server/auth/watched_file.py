"""A file that is looked at again and again: read anew only where its marks have changed."""

from pathlib import Path

_SIZE_MAX = 1024 * 1024

Signature = tuple[int, int, int, int, int]


class WatchedFile:
    """What a file holds: one byte more than it may at most, so that one that is too large is told apart."""

    size_max = _SIZE_MAX

    def __init__(self, path: Path) -> None:
        self.path = path
        self._raw: bytes | None = None
        self._settled: Signature | None = None

    def read(self) -> bytes:
        """Read it. Raises OSError."""
        self._raw = self._read()
        return self._raw

    def poll(self) -> bytes | None:
        """Read it where it has changed since the last time; None where it has not.

        Raises OSError, each time while it cannot be read. A change is believed to be the last only when nothing else is
        found the next time: two changes may bear the same time.
        """
        try:
            if (signature := self._signature()) == self._settled:
                return None
            raw = self._read()
        except OSError:
            self._raw = self._settled = None
            raise
        if raw == self._raw:
            self._settled = signature
            return None
        self._raw = raw
        return raw

    def _signature(self) -> Signature:
        status = self.path.stat()
        return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev

    def _read(self) -> bytes:
        with self.path.open("rb") as file:
            return file.read(_SIZE_MAX + 1)
