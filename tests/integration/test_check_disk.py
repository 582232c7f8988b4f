"""What `calguard-server check` says of the room that is left."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from calguard_server.commands.check_disk import COMMIT_ROOM, GROWTH, look_at_disk, room
from calguard_server.commands.findings import Standing

MIB = 2**20
LARGE = 10 * COMMIT_ROOM


@pytest.mark.parametrize(
    ("size", "free", "standing"),
    [
        (0, 0, Standing.FAILED),
        (0, COMMIT_ROOM - 1, Standing.FAILED),
        (0, COMMIT_ROOM, Standing.OK),
        (LARGE, COMMIT_ROOM - 1, Standing.FAILED),
        (LARGE, COMMIT_ROOM, Standing.WARNING),
        (LARGE, GROWTH * LARGE - 1, Standing.WARNING),
        (LARGE, GROWTH * LARGE, Standing.OK),
    ],
)
def test_where_it_fails_and_where_it_warns(size: int, free: int, standing: Standing) -> None:
    """A disk on which no change can be saved is a failure, whatever the size of the database."""
    assert room(size, free).standing is standing


def test_sizes_are_told_so_that_no_file_is_none() -> None:
    assert room(1, 3 * MIB).detail.startswith("3 MiB free, the database takes 1 KiB: ")
    assert room(0, 0).detail.startswith("0 KiB free, the database takes 0 KiB: ")


def test_the_log_beside_it_is_counted(tmp_path: Path) -> None:
    """After many changes most of a database may be there."""
    path = tmp_path / "db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("CREATE TABLE filler (content)")
        connection.execute("INSERT INTO filler VALUES (?)", (bytes(3 * MIB),))
        told = look_at_disk(path).detail
    found = re.fullmatch(r"\d+ [MK]iB free, the database takes (\d+) MiB(: .+)?", told)
    assert found is not None, told
    assert int(found[1]) == 3
