"""A server whose database is moved, removed or taken from under it: it ends by itself, and nothing answered is lost."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from tests.e2e.operating import Operation, Serving, new_key, on
from tests.e2e.stubs import ALL


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    """There is no sandbox."""
    running = Operation(tmp_path, None, on(tmp_path, {"CALGUARD_TOKEN_KEYS": new_key()}))  # type: ignore[arg-type]
    yield running
    await running.end()


async def end_of(serving: Serving) -> tuple[int, str]:
    """Its exit code, and the one line that it says."""
    code = await serving.process.ended()
    assert "Traceback" not in serving.process.printed + serving.process.complaints
    [line] = [each for each in serving.process.complaints.splitlines() if each.startswith("calguard-server: ")]
    return code, line


async def pages_of(serving: Serving) -> list[str]:
    return [page.id for page in await serving.stubs.all_pages()]


async def refused_to_begin_anew(operation: Operation, advice: str) -> None:
    """Neither a start nor a look makes an empty database in the place of one that is gone."""
    started, looked_at = await operation.run(), await operation.run("check")
    assert started.code == os.EX_OSFILE
    assert started.said == (
        f"calguard-server: CALGUARD_DATABASE_URL: {operation.database}: it was moved or removed: put it back, or "
        f"`calguard-server restore` {advice}; remove {operation.database}-lock to begin without accounts, links and "
        "pages\n"
    )
    assert looked_at.code == 1
    assert f"{operation.database}: it was moved or removed: put it back" in looked_at.printed
    assert not operation.database.exists()


async def test_a_database_that_is_moved(operation: Operation) -> None:
    """Nobody has to call for it; what was answered is in the file, and nothing else is served from its place."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    await serving.stubs.add_page("page", ALL, "ann")
    moved = operation.database.rename(operation.folder / "moved.db")
    code, line = await end_of(serving)
    assert code == os.EX_OSFILE
    assert line.endswith("all that was answered is in the file that was moved: put it back, then start again")
    await refused_to_begin_anew(operation, "a backup")
    moved.rename(operation.database)
    assert await pages_of(await operation.serve()) == ["page"]


async def test_a_database_that_is_removed(operation: Operation) -> None:
    """What nobody could open any more is saved in a file of its own, and restored from there."""
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    await serving.stubs.add_page("page", ALL, "ann")
    operation.database.unlink()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await serving.stubs.add_page("refused", ALL, "ann")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    code, line = await end_of(serving)
    assert code == os.EX_OSFILE
    [saved] = operation.folder.glob("calguard.db.saved-*")
    assert f"is saved in {saved}: `calguard-server restore` it, then start again" in line
    await refused_to_begin_anew(operation, str(saved))
    assert (await operation.run("restore", str(saved))).code == 0
    assert await pages_of(await operation.serve()) == ["page"]


async def test_a_second_server_that_was_let_in(operation: Operation) -> None:
    """Somebody removed the lock: the first one ends, and the second has all that either answered."""
    first = await operation.serve()
    await first.stubs.add_account("ann")
    operation.database.with_name("calguard.db-lock").unlink()
    second = await operation.serve()
    code, line = await end_of(first)
    assert code == os.EX_TEMPFAIL
    assert "its lock (-lock) was removed while it was served" in line
    await second.stubs.add_page("page", ALL, "ann")
    assert await pages_of(second) == ["page"]
    assert await second.stop() == 0


async def test_a_database_that_is_thrown_away(operation: Operation) -> None:
    """Who wants to begin anew says so by the lock."""
    assert await (await operation.serve()).stop() == 0
    operation.database.unlink()
    await refused_to_begin_anew(operation, "a backup")
    operation.database.with_name("calguard.db-lock").unlink()
    assert await pages_of(await operation.serve()) == []
