"""A database that is changed behind a server's back, moved, or fails by what nobody foresaw: when the store ends."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from calguard_server.commands.ending import code_of
from calguard_server.domain.errors import UnavailableError
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.commit_failures import UNFORESEEN_MAX
from calguard_server.store.contents import read_contents
from calguard_server.store.errors import StoreError
from tests.fakes.service import Service, make_account, open_test_store, running_service
from tests.fakes.world import CountingIds, ManualClock

FOLDER = "data"


async def ended(service: Service) -> StoreError:
    """Why the store ends: an idle one finds it out by its probe, and refuses whatever follows."""
    with pytest.raises(UnavailableError, match="nothing was changed"):
        await service.store.probe()
    assert service.store.writer.failed.done()
    with pytest.raises(UnavailableError):
        await service.add_account("late")
    return service.store.writer.failed.result()


def execute(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        for statement in statements:
            other.execute(statement)


def accounts_in(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?immutable=1", uri=True)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM accounts ORDER BY id")]


@pytest.mark.parametrize(
    "statement",
    [
        """INSERT INTO events (revision, commit_revision, time, kind, resource_id, account_ids, encoded)
           SELECT MAX(revision) + 1, MAX(revision) + 1, 0, '', '', '', X'00' FROM events""",
        "DELETE FROM events WHERE revision = (SELECT MAX(revision) FROM events)",
        "INSERT INTO epochs (id, revision) VALUES ('another-server', 1)",
    ],
)
async def test_a_log_that_somebody_else_wrote_ends_the_store(tmp_path: Path, statement: str) -> None:
    """Before anything is decided on what is no longer there; by the exit code of a database that others have."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        await service.link("ann")
        execute(tmp_path / "db", statement)
        error = await ended(service)
        assert "another program has written to it while it was served" in str(error)
        assert code_of(error) == os.EX_TEMPFAIL


async def test_what_others_may_write_is_in_nobodys_way(tmp_path: Path) -> None:
    """As the rotation of keys does."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        execute(tmp_path / "db", "UPDATE accounts SET display_name = 'Annie'")
        await service.add_account("ben")
        assert [account.display_name for account in await service.store.accounts("", 10)] == ["Annie", "Ben"]


async def test_a_lock_that_was_removed_ends_the_store(tmp_path: Path) -> None:
    """The server that has it now goes on, and nothing of the first one's is lost."""
    async with running_service(tmp_path / "db") as service:
        await service.add_account("ann")
        (tmp_path / "db-lock").unlink()
        second = await open_test_store(tmp_path / "db", ManualClock(), CountingIds())
        error = await ended(service)
        assert "its lock (-lock) was removed" in str(error)
        assert code_of(error) == os.EX_TEMPFAIL
        await second.probe()
        assert [account.id for account in await second.accounts("", 10)] == ["ann"]
        await second.close()


def move(database: Path) -> Path:
    return database.rename(database.with_name("moved"))


def move_all(database: Path) -> Path:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).rename(database.with_name("moved" + suffix))
    return move(database)


def move_the_folder(database: Path) -> Path:
    return database.parent.rename(database.parent.with_name("elsewhere")) / database.name


def move_and_link(database: Path) -> Path:
    """To a disk with more room, say: newcomers have their log and their lock there."""
    moved = move_the_file(database)
    database.symlink_to(moved)
    return moved


def move_the_file(database: Path) -> Path:
    larger = database.parent / "larger-disk"
    larger.mkdir()
    return database.rename(larger / database.name)


def lead_the_link_elsewhere(database: Path) -> Path:
    database.unlink()
    database.symlink_to("nowhere")
    return database.with_name("file")


def remove(database: Path) -> None:
    database.unlink()


def remove_all(database: Path) -> None:
    for path in database.parent.glob("db*"):
        path.unlink()


def replace(database: Path) -> None:
    other = database.with_name("other")
    shutil.copy(database, other)
    other.replace(database)


@pytest.mark.parametrize("do", [move, move_all, move_and_link, move_the_folder, lead_the_link_elsewhere])
async def test_a_file_that_was_moved_ends_the_store_and_has_all(tmp_path: Path, do: Callable[[Path], Path]) -> None:
    """Also what was in the log beside it; by an exit code of its own, after which no empty one must be served."""
    database = tmp_path / FOLDER / "db"
    database.parent.mkdir()
    if do is lead_the_link_elsewhere:
        database.symlink_to("file")
    async with running_service(database) as service:
        await service.add_account("ann")
        moved = do(database)
        error = await ended(service)
        assert f"{database}: its file was moved, removed or replaced while it was served" in str(error)
        assert "is in the file that was moved: put it back" in str(error)
        assert code_of(error) == os.EX_OSFILE
    assert accounts_in(moved) == ["ann"]


@pytest.mark.parametrize("suffix", ["", ".old"], ids=["removed", "moved"])
async def test_a_log_that_is_gone_ends_the_store_and_nothing_is_lost(tmp_path: Path, suffix: str) -> None:
    """While it is open all of it is there, and is moved into the database, where a later start looks for it."""
    database, log = tmp_path / "db", tmp_path / "db-wal"
    async with running_service(database) as service:
        await service.add_account("ann")
        log.rename(log.with_name(log.name + suffix)) if suffix else log.unlink()
        error = await ended(service)
        assert "its log (-wal) was moved or removed while it was served" in str(error)
        assert "all that was answered is in the database" in str(error)
        assert code_of(error) == os.EX_OSFILE
    assert accounts_in(database) == ["ann"]


async def test_a_database_without_its_log_is_known_for_ours(tmp_path: Path) -> None:
    """From the start on: a server that is killed, and whose log is lost then, is not begun anew as an empty one."""
    async with running_service(tmp_path / "db") as service:
        shutil.copy(tmp_path / "db", tmp_path / "copy")
        with closing(sqlite3.connect(tmp_path / "copy")) as connection:
            found = read_contents(connection, tmp_path / "copy")
        assert found.store_id == service.store.store_id


def saved_beside(database: Path) -> list[Path]:
    return list(database.parent.glob(f"{database.name}.saved-*"))


@pytest.mark.parametrize("do", [remove, remove_all, replace])
async def test_a_file_that_was_removed_ends_the_store_and_is_saved(tmp_path: Path, do: Callable[[Path], None]) -> None:
    """While it is open all of it is there, and is written to a file of its own, which a restore takes."""
    database = tmp_path / "db"
    async with running_service(database) as service:
        await service.add_account("ann")
        do(database)
        error = await ended(service)
        [saved] = saved_beside(database)
        assert f"all that was answered is saved in {saved}: `calguard-server restore` it" in str(error)
        assert code_of(error) == os.EX_OSFILE
    assert saved.stat().st_mode & 0o777 == 0o600
    assert accounts_in(saved) == ["ann"]


async def test_a_removed_file_that_cannot_be_saved(tmp_path: Path) -> None:
    """Its folder is gone, too: that is told, and not that all is well."""
    database = tmp_path / FOLDER / "db"
    database.parent.mkdir()
    async with running_service(database) as service:
        await service.add_account("ann")
        shutil.rmtree(database.parent)
        assert "could not be saved (" in str(await ended(service))


async def test_a_fault_of_one_group_ends_nothing_however_often(tmp_path: Path) -> None:
    """It breaks a constraint, or is no value of SQLite's: its callers are told, and others are served."""

    def put_what_breaks_a_constraint(rows: WorkingSet) -> None:
        rows.put_account(make_account("odd", display_name=None))

    async with running_service(tmp_path / "db") as service:
        for _ in range(2 * UNFORESEEN_MAX):
            with pytest.raises(UnavailableError):
                await service.store.transact(Unit(Seeds(), put_what_breaks_a_constraint))
        await service.add_account("ann")
        assert not service.store.writer.failed.done()


async def test_what_nobody_foresaw_ends_the_store_when_it_goes_on(tmp_path: Path) -> None:
    """Probes, which change nothing, do not hide it; a change that is saved in between begins the count anew."""
    async with running_service(tmp_path / "db") as service:

        async def fail(times: int) -> None:
            execute(tmp_path / "db", "ALTER TABLE accounts RENAME TO lost")
            for number in range(times):
                assert not service.store.writer.failed.done()
                with pytest.raises(UnavailableError):
                    await service.add_account(f"refused-{number}")
                if number + 1 < UNFORESEEN_MAX:
                    await service.store.probe()

        await fail(UNFORESEEN_MAX - 1)
        execute(tmp_path / "db", "ALTER TABLE lost RENAME TO accounts")
        await service.add_account("ann")
        await fail(UNFORESEEN_MAX)
        error = await service.store.writer.failed
        assert "no such table" in str(error)
        assert code_of(error) == os.EX_SOFTWARE
