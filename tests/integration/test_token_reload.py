"""When the file of tokens is read again, and what is done with what is found there: on real files."""

import asyncio
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.tokens import digest_of
from calguard_server.auth.tokens_file import TokensFile, TokensFileError
from calguard_server.workers.token_reload import TokenReload
from tests.e2e.bearer import line, overwrite, remove, replace
from tests.fakes.world import ManualClock
from tests.patience import PATIENCE_SECONDS

A, B = line("a", "reader", "token-a"), line("b", "writer", "token-b")
OF_A = {digest_of("token-a"): Caller("a", Role.READER)}
OF_B = {digest_of("token-b"): Caller("b", Role.WRITER)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    overwrite(path, A)
    return path


class Reloading:
    """A reload of a file that was read, and what it observes."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        self.file = TokensFile(path)
        self.authority = Authority(self.file.read(), self.clock)
        self.stale: list[bool] = []
        self.reload = TokenReload(self.file, self.authority, self.clock, self.stale.append)

    async def looks(self, times: int = 1) -> list[str]:
        """Look; what the log says."""
        with capture_logs() as logs:
            for _ in range(times):
                await self.reload.look()
        return [f"{each['log_level']}: {each['event']}; {each.get('problem', '')}" for each in logs]


async def test_a_file_that_stays_as_it_is_is_not_read_again(path: Path) -> None:
    """Nor is one whose marks alone have changed taken for a change."""
    file = TokensFile(path)
    assert file.read() == OF_A
    assert [file.poll() for _ in range(3)] == [None] * 3
    os.utime(path)
    assert file.poll() is None  # touched, and read, and found the same


@pytest.mark.parametrize("change", [overwrite, replace])
async def test_a_change_is_in_force_at_the_next_look(path: Path, change: Callable[..., None]) -> None:
    """In place, or by another file that takes its name; the tokens that are no longer there are forgotten."""
    reloading = Reloading(path)
    assert await reloading.looks(2) == []
    change(path, B)
    assert await reloading.looks() == ["info: the tokens file was read anew, and is in force; "]
    assert reloading.authority.callers == OF_B
    assert await reloading.looks(3) == []


def test_no_change_is_missed_however_close_to_another(path: Path) -> None:
    """Files of one size that are written within one tick of the file system's clock bear the same marks."""
    file = TokensFile(path)
    assert file.read() == OF_A
    other = line("c", "reader", "token-c")
    assert len(other) == len(A)
    for _ in range(100):
        overwrite(path, other)
        assert file.poll() == {digest_of("token-c"): Caller("c", Role.READER)}
        overwrite(path, A)
        assert file.poll() == OF_A


def test_a_change_that_keeps_size_and_time_is_seen(path: Path) -> None:
    """As copying with all marks kept does."""
    file = TokensFile(path)
    file.read()
    file.poll()
    status = path.stat()
    overwrite(path, line("c", "reader", "token-c"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert file.poll() == {digest_of("token-c"): Caller("c", Role.READER)}


async def test_it_follows_a_link_that_is_turned(path: Path, tmp_path: Path) -> None:
    """As orchestrators do with the secrets that they mount."""
    overwrite(tmp_path / "next", B)
    turned = tmp_path / "turned"
    turned.symlink_to(path)
    reloading = Reloading(turned)
    await reloading.looks(2)
    (tmp_path / "beside").symlink_to(tmp_path / "next")
    (tmp_path / "beside").replace(turned)
    await reloading.looks()
    assert reloading.authority.callers == OF_B


async def test_a_file_emptied_of_tokens_lets_in_nobody(path: Path) -> None:
    """Whoever takes away the last token means it."""
    reloading = Reloading(path)
    overwrite(path, "# nobody")
    await reloading.looks()
    assert reloading.authority.callers == {}


async def test_what_is_of_no_use_is_told_once_and_changes_nothing(path: Path) -> None:
    """Each trouble is told once, however long it lasts; another trouble is told anew, and so is the end of it."""
    reloading = Reloading(path)
    overwrite(path, B, "c reader token-c")
    [bad] = await reloading.looks(3)
    assert bad.startswith(f"error: the tokens file is of no use: the tokens read last stay in force; {path}, line 2: ")
    remove(path)
    [gone] = await reloading.looks(3)
    assert gone.endswith(f"; {path}: cannot be read: No such file or directory")
    assert reloading.authority.callers == OF_A
    assert reloading.stale == [True, True]
    overwrite(path, A)
    assert await reloading.looks(3) == ["info: the tokens file was read anew, and is in force; "]
    assert reloading.stale == [True, True, False]


async def test_a_file_that_comes_back_as_it_was_is_in_force_again(path: Path) -> None:
    """The end of a trouble is told also where nothing else has changed."""
    reloading = Reloading(path)
    await reloading.looks(2)
    remove(path)
    await reloading.looks()
    overwrite(path, A)
    assert await reloading.looks(2) == ["info: the tokens file was read anew, and is in force; "]
    assert reloading.stale == [True, False]


async def test_it_looks_every_second(path: Path) -> None:
    """By the clock that it is given."""
    reloading = Reloading(path)
    running = asyncio.create_task(reloading.reload.run())
    overwrite(path, B)
    reloading.clock.advance(timedelta(milliseconds=999))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while reloading.authority.callers != OF_B:
            await asyncio.to_thread(lambda: None)
            reloading.clock.advance(timedelta(milliseconds=1))
    assert reloading.clock.timer() >= 1
    running.cancel()


def test_a_file_that_cannot_be_read_at_the_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokensFileError, match=f"^{tmp_path}: cannot be read: Is a directory$"):
        TokensFile(tmp_path).read()
    with pytest.raises(TokensFileError, match=r"/nowhere: cannot be read: No such file or directory$"):
        TokensFile(tmp_path / "nowhere").read()
