"""What `calguard-server check` says of the room that the database has."""

import shutil
from pathlib import Path

from calguard_server.commands.findings import Finding, failed, fine, warning

_MIB = 2**20

COMMIT_ROOM = 16 * _MIB
"""How many bytes must be free, else a server may end with any change: the log beside the database grows to about 4 MiB
before it is moved into the file, which grows by that then."""

GROWTH = 2
"""How many times its size the database wants to find free beside it: for a backup, and to grow."""


def look_at_disk(path: Path) -> Finding:
    """Compare what a database takes, with the log beside it, with what is free; `path` is its real name."""
    files = (path, path.with_name(path.name + "-wal"))
    return room(sum(each.stat().st_size for each in files if each.exists()), shutil.disk_usage(path.parent).free)


def room(size: int, free: int) -> Finding:
    """Judge what is free, in bytes, beside a database of a size."""
    told = f"{_told(free)} free, the database takes {_told(size)}"
    if free < COMMIT_ROOM:
        return failed("disk", f"{told}: a server ends when it cannot save a change: free some space")
    if free < GROWTH * size:
        return warning("disk", f"{told}: make room for it to grow")
    return fine("disk", told)


def _told(size: int) -> str:
    return f"{size // _MIB} MiB" if size >= _MIB else f"{-(-size // 1024)} KiB"
