"""Backups of a database that is written meanwhile, and what of them is refused or left alone."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from calguard_server.store.backup import BackupError, back_up
from calguard_server.store.contents import verified
from calguard_server.store.errors import StoreError, StoreTrouble
from calguard_server.store.migrate import migrate
from tests.fakes.service import running_service

ROWS = 1_200
ROW_BYTES = 16_000
PAGES_A_STEP = 1024


def told(_left: int, _total: int) -> None:
    """Progress, which nobody looks at."""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database of several steps, which another connection keeps open as a server does."""
    path = tmp_path / "db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection)
        connection.execute("INSERT INTO meta VALUES ('store_id', 'store-1')")
        content = bytes(ROW_BYTES)
        rows = ((number, number, 0, "", "", "", content) for number in range(1, ROWS + 1))
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO events (revision, commit_revision, time, kind, resource_id, account_ids, encoded)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        connection.execute("COMMIT")
    return path


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        yield connection


def test_what_is_written_meanwhile_neither_waits_nor_is_in_it_nor_begins_it_anew(
    database: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    """A change is committed between any two steps; the backup is what there was when it began."""
    seen: list[int] = []

    def commit(left: int, _total: int) -> None:
        seen.append(left)
        writer.execute("UPDATE events SET encoded = X'00' WHERE revision = ?", (len(seen),))
        writer.execute(
            "INSERT INTO events (revision, commit_revision, time, kind, resource_id, account_ids, encoded)"
            " VALUES (?1, ?1, 0, '', '', '', X'00')",
            (ROWS + len(seen),),
        )

    contents = back_up(database, tmp_path / "backup", commit, force=False)
    assert seen == sorted(seen, reverse=True)
    assert len(seen) >= 4
    assert contents.revision == ROWS
    with closing(sqlite3.connect(tmp_path / "backup")) as copied:
        assert copied.execute("SELECT COUNT(*), MIN(LENGTH(encoded)) FROM events").fetchone() == (ROWS, ROW_BYTES)
    assert writer.execute("SELECT MAX(revision) FROM events").fetchone() == (ROWS + len(seen),)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith("backup") and path.name != "backup"]


def test_what_a_server_has_not_moved_into_the_file_is_in_it(tmp_path: Path, database: Path) -> None:
    """The write-ahead log belongs to the database."""
    with closing(sqlite3.connect(database, isolation_level=None)) as server:
        server.execute("PRAGMA wal_autocheckpoint = 0")
        server.execute("INSERT INTO accounts VALUES ('ann','','','en','','','',1,0,0,'[]','PAGE_RULES','',0)")
        back_up(database, tmp_path / "backup", told, force=False)
    with closing(sqlite3.connect(tmp_path / "backup")) as copied:
        assert copied.execute("SELECT id FROM accounts").fetchall() == [("ann",)]


def test_it_is_its_owners_alone(tmp_path: Path, database: Path) -> None:
    """It holds people's addresses."""
    back_up(database, tmp_path / "backup", told, force=False)
    assert (tmp_path / "backup").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_replaced_by_force_only(tmp_path: Path, database: Path) -> None:
    target = tmp_path / "backup"
    target.write_text("the backup of last year")
    with pytest.raises(BackupError, match="is there already: choose another name, or --force"):
        back_up(database, target, told, force=False)
    assert target.read_text() == "the backup of last year"
    assert back_up(database, target, told, force=True) == verified(target)


def test_the_database_itself_is_never_replaced(tmp_path: Path, database: Path) -> None:
    """Not even by another of its names."""
    (tmp_path / "another").symlink_to(database)
    for target in (database, tmp_path / "another"):
        with pytest.raises(BackupError, match="is the database itself"):
            back_up(database, target, told, force=True)
    assert verified(database).revision == ROWS


@pytest.mark.parametrize("suffix", ["-wal", "-shm", "-lock", "-journal"])
@pytest.mark.parametrize("there", [True, False])
def test_what_belongs_to_the_database_is_never_replaced(
    tmp_path: Path, database: Path, suffix: str, *, there: bool
) -> None:
    """Nor made: SQLite would take it for what was not yet moved into the file."""
    beside = tmp_path / f"db{suffix}"
    (tmp_path / "linked").symlink_to(beside)
    targets = [beside, tmp_path / "linked"]
    if there:
        beside.write_bytes(b"the latest changes")
        os.link(beside, tmp_path / "also")
        targets.append(tmp_path / "also")
    (tmp_path / "database").symlink_to(database)
    for target in targets:
        for name in (database, tmp_path / "database"):
            with pytest.raises(BackupError, match="or a file that belongs to it: choose another name"):
                back_up(name, target, told, force=True)
    assert beside.exists() == there
    assert not there or beside.read_bytes() == b"the latest changes"


def test_what_a_backup_is_written_to_at_first_is_not_the_database(tmp_path: Path, database: Path) -> None:
    """Also where its name is made of the target's."""
    named = database.rename(tmp_path / "calguard.part")
    with pytest.raises(BackupError, match=r"calguard\.part: is the database itself"):
        back_up(named, tmp_path / "calguard", told, force=True)
    assert verified(named).revision == ROWS


def test_what_a_killed_backup_left_is_in_nobodys_way(tmp_path: Path, database: Path) -> None:
    (tmp_path / "backup.part").write_bytes(b"half a backup" * 1_000_000)
    assert back_up(database, tmp_path / "backup", told, force=False).revision == ROWS
    assert not (tmp_path / "backup.part").exists()


def test_two_at_once_do_not_mix(tmp_path: Path, database: Path) -> None:
    """The second into the same file is refused, and the first goes on."""
    with (tmp_path / "backup.part").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match=r"backup\.part: cannot be written"):
            back_up(database, tmp_path / "backup", told, force=False)
        assert (tmp_path / "backup.part").exists()


def test_a_damaged_database_makes_no_backup(tmp_path: Path, database: Path) -> None:
    """What is restored one day must be good."""
    content = bytearray(database.read_bytes())
    content[4096 * 50 : 4096 * 60] = bytes(range(256)) * 160
    database.write_bytes(content)
    with pytest.raises(StoreError) as refusal:
        back_up(database, tmp_path / "backup", told, force=False)
    assert refusal.value.trouble is StoreTrouble.UNUSABLE
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == []


@pytest.mark.parametrize("content", [b"", b"dear diary, " * 100])
def test_what_is_no_database_makes_no_backup(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "db").write_bytes(content)
    with pytest.raises((StoreError, sqlite3.DatabaseError)):
        back_up(tmp_path / "db", tmp_path / "backup", told, force=False)
    assert not (tmp_path / "backup").exists()


async def test_a_backup_opens_as_the_database_that_it_was(tmp_path: Path) -> None:
    """With everything in it, to its secrets."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        link = await service.link("ann")
        grant = await service.store.grant(link.id)
        contents = back_up(tmp_path / "db", tmp_path / "backup", told, force=False)
        assert (contents.store_id, contents.revision) == (service.store.store_id, service.store.writer.revision)
        await service.add_account("ben")
    async with running_service(tmp_path / "backup") as service:
        assert [account.id for account in await service.store.accounts("", 10)] == ["ann"]
        assert await service.store.grant(link.id) == grant
