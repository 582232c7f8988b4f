"""The file of tokens is rewritten, spoilt and taken away while a whole server serves watches."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import pytest
from structlog.testing import capture_logs

from calguard.v1 import account_pb2 as accounts_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, READER, WRITER, line, mend, overwrite, replace, spoil
from tests.e2e.stubs import ALL, refused, told
from tests.e2e.watching import Watcher
from tests.fakes.world import START

READ_ANEW, OF_NO_USE = "the tokens file was read anew", "the tokens file is of no use"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    path = tmp_path / "tokens"
    replace(path, "# who may call", *KNOWN)
    return path


def serving(folder: Path, tokens: Path) -> AbstractAsyncContextManager[Backend]:
    return running_backend(folder, ADMIN, auth_tokens_file=str(tokens), drain_timeout="0s")


@pytest.fixture
async def backend(tmp_path: Path, tokens: Path) -> AsyncIterator[Backend]:
    async with serving(tmp_path, tokens) as running:
        yield running


@pytest.fixture
async def dashboard(backend: Backend) -> AsyncIterator[grpc.aio.Channel]:
    """What a dashboard calls by, as a reader."""
    async with backend.open_channel(READER) as channel:
        yield channel


async def watching(channel: grpc.aio.Channel, **fields: object) -> Watcher:
    watcher = Watcher(channel, **fields)
    await watcher.snapshot()
    return watcher


async def metric(backend: Backend) -> float:
    url = f"http://127.0.0.1:{backend.app.http_port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        [value] = [
            row for row in (await answer.text()).splitlines() if row.startswith("calguard_auth_tokens_file_stale ")
        ]
        return float(value.split()[1])


async def test_a_token_that_is_removed_ends_its_watches(
    backend: Backend, tokens: Path, dashboard: grpc.aio.Channel
) -> None:
    """The watches of others go on, and so do those by another token of the same caller."""
    new_token = "the-dashboards-next-token"
    watcher = await watching(dashboard)
    replace(tokens, *KNOWN, line("dashboard", "reader", new_token))
    async with backend.open_channel(WRITER) as channel, backend.open_channel(new_token) as renewed:
        other = await watching(channel)
        with capture_logs() as logs:
            await backend.until_logged(logs, READ_ANEW)
        successor = await watching(renewed)
        replace(tokens, *KNOWN[:2], line("dashboard", "reader", new_token))
        assert told(await backend.ticking(watcher.ended())) == ("UNAUTHENTICATED", "TOKEN_UNKNOWN")
        await backend.add_account("ann")
        page = await backend.add_page("page", ALL, "ann", "ann")
        assert await other.up_to(page.revision) == await successor.up_to(page.revision) == [page.revision]
    request = accounts_pb.GetAccountRequest(id="ann")
    call: Any = dashboard.unary_unary("/calguard.v1.AccountService/GetAccount")
    assert told(await refused(call(request.SerializeToString()))) == ("UNAUTHENTICATED", "TOKEN_UNKNOWN")


async def test_a_file_that_is_written_anew_with_the_same_token_keeps_its_watches(
    backend: Backend, tokens: Path, dashboard: grpc.aio.Channel
) -> None:
    """By renaming another file, or in place; with another role, time or order."""
    watcher = await watching(dashboard)
    for anew in (
        (KNOWN[2], KNOWN[0]),
        (KNOWN[0], line("dashboard", "admin", READER)),
        (KNOWN[0], line("renamed", "reader", READER, expires="2030-01-31T00:00:00Z")),
    ):
        with capture_logs() as logs:
            replace(tokens, *anew)
            await backend.until_logged(logs, READ_ANEW)
    with capture_logs() as logs:
        overwrite(tokens, *KNOWN)
        await backend.until_logged(logs, READ_ANEW)
    await backend.pass_time(seconds=2)
    await backend.add_account("ann")
    page = await backend.add_page("page", ALL, "ann", "ann")
    assert await watcher.up_to(page.revision) == [page.revision]
    watcher.cancel()


async def test_a_token_that_expires_ends_its_watches(tmp_path: Path, tokens: Path) -> None:
    """At its time, without any change of the file."""
    expires = START + timedelta(seconds=8)  # sooner than a message that waits makes a slow reader
    replace(tokens, KNOWN[0], line("dashboard", "reader", READER, expires=expires.isoformat()))
    async with serving(tmp_path, tokens) as backend, backend.open_channel(READER) as dashboard:
        watcher = await watching(dashboard)
        ending = asyncio.ensure_future(watcher.ended())
        backend.clock.advance(expires - START - timedelta(microseconds=1))
        await backend.notifications()
        assert not ending.done()
        refusal = await backend.ticking(ending)
        assert told(refusal) == ("UNAUTHENTICATED", "TOKEN_EXPIRED")
        assert refusal.metadata == {"expire_time": expires.isoformat()}


@pytest.mark.parametrize("spoilt", ["bad line", "gone", "a folder"])
async def test_a_file_that_is_of_no_use_changes_nothing(
    backend: Backend, tokens: Path, dashboard: grpc.aio.Channel, spoilt: str
) -> None:
    """What was read last stays in force; the log says so once and without a word of the file, and so does a metric."""
    watcher = await watching(dashboard)
    assert await metric(backend) == 0
    with capture_logs() as logs:
        spoil(tokens, spoilt)
        await backend.until_logged(logs, OF_NO_USE)
        await backend.pass_time(seconds=1)
        await backend.pass_time(seconds=1)
    [complaint] = [each for each in logs if each["event"].startswith("the tokens file")]
    assert complaint["log_level"] == "error"
    assert complaint["problem"].startswith(str(tokens))
    assert READER not in str(logs)
    assert await metric(backend) == 1
    async with backend.open_channel(READER) as channel:
        (await watching(channel)).cancel()
    with capture_logs() as logs:
        mend(tokens)
        await backend.until_logged(logs, READ_ANEW)
    assert await metric(backend) == 0
    await backend.add_account("ann")
    page = await backend.add_page("page", ALL, "ann", "ann")
    assert await watcher.up_to(page.revision) == [page.revision]
    watcher.cancel()
