"""`calguard-server backup` and `restore`: the drill of docs/operations.md, and what watchers see of it."""

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import grpc.aio
import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_client import AsyncClient
from calguard_client.refusal import Refusal
from calguard_server.store.contents import verified
from tests.e2e.lasting_address import lasting_address
from tests.e2e.operating import Operation, Serving, operating
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL
from tests.patience import PATIENCE

LINKED = links_pb.CALENDAR_LINK_STATE_LINKED


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    async with operating(tmp_path) as running:
        yield running


async def pages_of(serving: Serving) -> list[str]:
    return [page.id for page in await serving.stubs.all_pages()]


async def token_of(serving: Serving, token: str = "") -> str:
    """The latest token of a watch, from its snapshot or from where another ended."""
    watcher = serving.stubs.watch(resume_token=token)
    await watcher.read()
    while not watcher.token:
        await watcher.read()
    watcher.cancel()
    return watcher.token


async def refusal_of(serving: Serving, token: str) -> tuple[str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await token_of(serving, token)
    refusal = Refusal.of(error.value)
    return refusal.code.name, refusal.reason


async def test_the_drill(operation: Operation) -> None:
    """Backed up while it serves; restored into its place, links go on, and the database before is kept beside it."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    await serving.stubs.add_page("before", ALL, "ann", "ann")
    backup = operation.folder / "calguard.backup"
    made = await operation.run("backup", str(backup), token_keys="")
    assert made.code == 0, made.said
    assert "not in the file; keep TOKEN_KEYS apart from it" in made.printed
    await serving.stubs.add_page("after", ALL, "ann", "ann")
    await serving.stop()
    restored = await operation.run("restore", str(backup), token_keys="")
    assert restored.code == 0, restored.said
    again = await operation.serve()
    assert await pages_of(again) == ["before"]
    assert (await again.stubs.check(link.id)).state == LINKED
    [aside] = operation.folder.glob("calguard.db.before-restore-*")
    assert str(aside) in restored.printed
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT id FROM pages ORDER BY id").fetchall() == [("after",), ("before",)]
    assert verified(backup).revision == verified(aside).revision - 1


async def test_a_token_of_what_was_undone_never_resumes(operation: Operation) -> None:
    """Neither at once, nor when as many changes were made again; one from before the backup goes on without a gap."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    await serving.stubs.add_page("before", ALL, "ann")
    kept = await token_of(serving)
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    for number in range(3):
        await serving.stubs.add_page(f"undone-{number}", ALL, "ann")
    undone = await token_of(serving)
    await serving.stop()
    for _ in range(2):  # restored twice: what the first one's run told is undone by the second
        assert (await operation.run("restore", str(backup))).code == 0
        for path in operation.folder.glob("*.before-restore-*"):
            path.unlink()
        again = await operation.serve()
        assert await refusal_of(again, undone) == ("OUT_OF_RANGE", "TOKEN_FROM_FUTURE")
        for number in range(4):
            await again.stubs.add_page(f"new-{number}", ALL, "ann")
        assert await refusal_of(again, undone) == ("OUT_OF_RANGE", "TOKEN_FROM_FUTURE")
        watcher = again.stubs.watch(resume_token=kept)
        change = await watcher.until(lambda each: each.booking_page.id == "new-3")
        assert [each.booking_page.id for each in watcher.changes] == [f"new-{number}" for number in range(4)]
        assert change.revision == len(watcher.changes) + 1
        watcher.cancel()
        undone = await token_of(again)
        await again.stop()


async def test_a_mirror_over_a_restore_holds_what_is_there(tmp_path: Path) -> None:
    """Opened once, it takes the restored state for the one that is, by itself."""
    async with lasting_address(tmp_path) as service, AsyncClient(service.address) as client:
        await service.add_account(client)

        async def add_page(page_id: str) -> None:
            page = pages_pb.BookingPage(id=page_id, owner_account_id="ann", title=page_id, scheduling_mode=ALL)
            await client.booking_pages.CreateBookingPage(pages_pb.CreateBookingPageRequest(booking_page=page))

        async def run(*arguments: str) -> int:
            return await (await ServerProcess.start(service.environment, *arguments)).ended()

        async with client.mirror() as mirror:
            await mirror.wait_ready(PATIENCE)
            await add_page("before")
            assert await run("backup", str(tmp_path / "backup")) == 0
            await add_page("undone")
            await mirror.wait_until(lambda m: m.get_page("undone") is not None, PATIENCE)
            await service.end(signal.SIGTERM)
            assert await run("restore", str(tmp_path / "backup")) == 0
            await service.start()
            await add_page("new")
            await mirror.wait_until(lambda m: m.get_page("new") is not None and m.get_page("undone") is None, PATIENCE)
            assert sorted(page.id for page in mirror.pages()) == ["before", "new"]


async def test_a_server_that_runs_is_not_restored_under(operation: Operation) -> None:
    """Nor migrated: it is named what to do, and nothing is changed."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    await serving.stubs.add_page("after", ALL, "ann")
    for command in (("restore", str(backup)), ("migrate",)):
        refused = await operation.run(*command)
        assert refused.code == os.EX_TEMPFAIL
        assert "another calguard-server uses it: stop that one first" in refused.said
    assert await pages_of(serving) == ["after"]
    assert sorted(path.name for path in operation.folder.iterdir() if "restor" in path.name) == []


async def test_backups_while_calls_change_things(operation: Operation) -> None:
    """Each is whole: what was answered before it began is in it, and every call is answered meanwhile."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    made = 0
    for number in range(3):
        backup = operation.folder / f"backup-{number}"
        backing = asyncio.ensure_future(operation.run("backup", str(backup)))
        before = made
        while not backing.done():
            await serving.stubs.add_page(f"page-{made:05}", ALL, "ann")
            made += 1
        assert (await backing).code == 0
        with closing(sqlite3.connect(backup)) as connection:
            pages = [row[0] for row in connection.execute("SELECT id FROM pages ORDER BY id")]
        assert before <= len(pages) <= made
        assert pages == [f"page-{each:05}" for each in range(len(pages))]
        assert verified(backup).revision == len(pages)


async def test_what_a_killed_server_left_is_not_read_into_the_restored_database(operation: Operation) -> None:
    """Its write-ahead log goes into the database that is kept aside, with all that was answered."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    for number in range(50):
        await serving.stubs.add_page(f"page-{number:02}", ALL, "ann")
    serving.process.kill()
    await serving.process.ended()
    assert (operation.folder / "calguard.db-wal").stat().st_size > 100_000
    restored = await operation.run("restore", str(backup))
    assert restored.code == 0, restored.said
    again = await operation.serve()
    assert await pages_of(again) == []
    assert (await again.stubs.add_page("new", ALL, "ann")).id == "new"
    [aside] = operation.folder.glob("calguard.db.before-restore-*")
    with closing(sqlite3.connect(aside)) as connection:
        assert connection.execute("SELECT COUNT(*) FROM pages").fetchone() == (50,)


async def test_a_database_beyond_reading_is_replaced(operation: Operation) -> None:
    """It is kept as it is, for whoever wants to save something of it."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    await serving.stop()
    ruin = b"what the disk made of it" * 1000
    operation.database.write_bytes(ruin)
    assert (await operation.run()).code == os.EX_DATAERR
    assert (await operation.run("restore", str(backup))).code == 0
    assert await pages_of(await operation.serve()) == []
    [aside] = operation.folder.glob("calguard.db.before-restore-*")
    assert aside.read_bytes() == ruin


async def test_a_restore_that_was_killed_is_begun_again(operation: Operation) -> None:
    """What it left is in nobody's way: the database is the old one until it is the new one."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    await serving.stubs.add_page("after", ALL, "ann")
    await serving.stop()
    (operation.folder / "calguard.db.restoring").write_bytes(b"half of it" * 1000)
    os.link(operation.database, operation.folder / "calguard.db.before-restore-20300101T000000Z")
    serving = await operation.serve()
    assert await pages_of(serving) == ["after"]
    await serving.stop()
    assert (await operation.run("restore", str(backup))).code == 0
    assert await pages_of(await operation.serve()) == []
    assert not (operation.folder / "calguard.db.restoring").exists()


async def test_a_log_that_a_lost_database_left_is_not_read_into_the_restored_one(operation: Operation) -> None:
    """It is kept beside it, as a database is."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    await serving.stubs.add_page("after", ALL, "ann")
    serving.process.kill()
    await serving.process.gone()
    operation.database.unlink()
    assert operation.database.with_name("calguard.db-wal").stat().st_size
    assert (await operation.run("restore", str(backup))).code == 0
    assert len(list(operation.folder.glob("calguard.db.before-restore-*-wal"))) == 1
    assert await pages_of(await operation.serve()) == []


async def test_a_new_machine_is_restored_to_as_it_is(operation: Operation) -> None:
    """Where there is no database yet, the backup becomes it; nothing is kept beside it."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder / "calguard.backup"
    assert (await operation.run("backup", str(backup))).code == 0
    operation.set(database_url=f"sqlite:///{operation.folder}/another.db")
    assert (await operation.run("restore", str(backup))).code == 0
    assert (operation.folder / "another.db").stat().st_mode & 0o777 == 0o600
    again = await operation.serve()
    await again.stubs.add_page("page", ALL, "ann")
    assert list(operation.folder.glob("another.db.before*")) == []


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("restore", "{folder}/nowhere"), os.EX_NOINPUT, "{folder}/nowhere: there is no such file"),
        (("restore", "{folder}/letter"), os.EX_DATAERR, "{folder}/letter: cannot be read as a database"),
        (("restore", "{folder}/half"), os.EX_DATAERR, "{folder}/half: "),
        (("restore", "{folder}/foreign"), os.EX_DATAERR, "{folder}/foreign: is not a database of calguard-server's"),
        (("restore", "{folder}/newer"), os.EX_DATAERR, "{folder}/newer: has schema 9999, and this program knows only"),
        (("restore", "{folder}/calguard.db"), os.EX_DATAERR, "is the database itself"),
        (("backup", "{folder}/nowhere/x"), os.EX_CANTCREAT, "{folder}/nowhere/x.part: cannot be written: No such file"),
        (("backup", "{folder}/letter"), os.EX_CANTCREAT, "{folder}/letter: is there already"),
        (("backup", "--force", "{folder}"), os.EX_CANTCREAT, "{folder}: is no file"),
        (("backup",), os.EX_USAGE, "FILE"),
    ],
)
async def test_what_is_refused_changes_nothing(
    operation: Operation, arguments: tuple[str, ...], code: int, expected: str
) -> None:
    """Each says what it is about, in one line, and by its exit code; the database is as it was."""
    folder = operation.folder
    await (await operation.serve()).stop()
    assert (await operation.run("backup", str(folder / "good"))).code == 0
    (folder / "letter").write_text("dear diary, " * 100)
    (folder / "half").write_bytes((folder / "good").read_bytes()[:50_000])
    for name, statement in (("foreign", "CREATE TABLE cats (name)"), ("newer", "PRAGMA user_version = 9999")):
        if name == "newer":
            (folder / name).write_bytes((folder / "good").read_bytes())
        with closing(sqlite3.connect(folder / name)) as connection, connection:
            connection.execute(statement)
    before = operation.database.read_bytes()
    ended = await operation.run(*(argument.format(folder=folder) for argument in arguments))
    assert ended.code == code
    assert expected.format(folder=folder) in ended.said
    assert operation.database.read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.suffix in (".part", ".restoring")] == []


async def test_a_disk_that_fills_leaves_no_half_backup(operation: Operation) -> None:
    """The message names the file, and the next one finds nothing in its way."""
    assert (await operation.run("migrate")).code == 0
    backup = operation.folder / "calguard.backup"
    process = await ServerProcess.start(operation.environment, "backup", str(backup), file_size_limit=100_000)
    assert await process.ended() == os.EX_CANTCREAT
    assert f"{backup}.part: " in process.complaints
    assert list(operation.folder.glob("calguard.backup*")) == []
    assert (await operation.run("backup", str(backup))).code == 0
