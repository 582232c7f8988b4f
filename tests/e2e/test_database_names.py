"""One database under several names: whichever a server or a command is given, there is one, with one lock."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.operating import Operation, new_key, on
from tests.e2e.stubs import ALL


def another(database: Path) -> Path:
    """Name a database by a link to a link, in a folder that is one itself."""
    database.with_name("linked.db").symlink_to(database.name)
    database.with_name("again.db").symlink_to(database.with_name("linked.db"))
    folder = database.parent.parent / "current"
    folder.symlink_to(database.parent, target_is_directory=True)
    return folder / "again.db"


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    """There is no sandbox."""
    folder = tmp_path / "data"
    folder.mkdir()
    running = Operation(folder, None, on(folder, {"CALGUARD_TOKEN_KEYS": new_key()}))  # type: ignore[arg-type]
    yield running
    await running.end()


def named(path: Path) -> dict[str, str]:
    return {"database_url": f"sqlite:///{path}"}


async def test_while_a_server_has_it_all_that_would_have_it_alone_is_refused(operation: Operation) -> None:
    """By a symbolic link as by its own name; the link is as it was, and the server goes on."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    name = another(operation.database)
    backup = operation.folder.parent / "backup"
    assert (await operation.run("backup", str(backup), **named(name))).code == 0
    other_keys = {"token_keys": new_key(), "accept_lost_keys": "true"}
    for arguments, settings in (
        ((), {}),
        (("restore", str(backup)), {}),
        (("migrate",), {}),
        (("rotate-keys",), other_keys),
    ):
        ended = await operation.run(*arguments, **named(name), **settings)
        assert ended.code == os.EX_TEMPFAIL, ended.said
        assert "restart it" in ended.said or "another calguard-server uses it: stop that one first" in ended.said
    assert name.samefile(operation.database)
    await serving.stubs.add_page("page", ALL, "ann")
    assert await serving.stop() == 0


async def test_a_restore_by_a_link_leaves_the_link(operation: Operation) -> None:
    """What it leads to is replaced, and kept beside it."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    backup = operation.folder.parent / "backup"
    name = another(operation.database)
    assert (await operation.run("backup", str(backup), **named(name))).code == 0
    await serving.stubs.add_page("after", ALL, "ann")
    await serving.stop()
    restored = await operation.run("restore", str(backup), **named(name))
    assert restored.code == 0, restored.said
    assert name.resolve() == operation.database
    assert not operation.database.is_symlink()
    assert len(list(operation.folder.glob("calguard.db.before-restore-*"))) == 1
    again = await operation.serve()
    assert await again.stubs.all_pages() == []


async def test_a_server_that_was_given_a_link_makes_and_serves_what_it_leads_to(operation: Operation) -> None:
    """Also before there is a file; its own name is then refused to others."""
    own = operation.environment["CALGUARD_DATABASE_URL"]
    operation.set(**named(another(operation.database)))
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    assert operation.database.is_file()
    ended = await operation.run(database_url=own)
    assert ended.code == os.EX_TEMPFAIL
    assert await serving.stop() == 0


async def test_a_hard_link_is_refused(operation: Operation) -> None:
    """By either name: there would be a log beside each. A restore that was killed leaves one, which is known."""
    assert (await operation.run("migrate")).code == 0
    other = operation.folder / "other.db"
    os.link(operation.database, other)
    (operation.folder / "backup").write_bytes(operation.database.read_bytes())
    restore, backup = ("restore", str(operation.folder / "backup")), ("backup", str(operation.folder / "new"))
    for path, arguments in ((operation.database, ()), (other, ()), (other, restore), (other, backup)):
        ended = await operation.run(*arguments, **named(path))
        assert ended.code == os.EX_DATAERR, arguments
        assert f"{path}: the file has another name, too (a hard link)" in ended.said
    assert f"FAILED   {other}: the file has another name" in (await operation.run("check", **named(other))).printed
    other.rename(operation.folder / "calguard.db.before-restore-20300101T000000Z")
    assert await (await operation.serve()).stop() == 0


async def test_links_that_lead_in_a_circle(operation: Operation) -> None:
    operation.database.symlink_to(operation.database.name)
    for arguments in ((), ("migrate",)):
        ended = await operation.run(*arguments)
        assert ended.code == os.EX_DATAERR
        assert "leads to no file: check the symbolic links" in ended.said


async def test_a_backup_that_has_the_name_of_what_a_restore_writes_is_left(operation: Operation) -> None:
    """It would be removed before it is read."""
    assert (await operation.run("migrate")).code == 0
    backup = operation.folder / "calguard.db.restoring"
    content = operation.database.read_bytes()
    backup.write_bytes(content)
    ended = await operation.run("restore", str(backup))
    assert ended.code == os.EX_DATAERR
    assert f"{backup}: has the name that a restore writes to: rename it" in ended.said
    assert backup.read_bytes() == content
