"""Services that take a connection and never answer: whoever depends on them waits, and nobody else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL
from tests.patience import PATIENCE_SECONDS


@asynccontextmanager
async def silent() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A server that takes connections and says nothing; its port, and whether anybody came."""
    came, over = asyncio.Event(), asyncio.Event()

    async def take(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await over.wait()
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], came
    finally:
        over.set()
        server.close()


async def a_page_stops(backend: Backend) -> None:
    for name in ("ann", "olga"):
        await backend.add_account(name)
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(link)


@pytest.mark.parametrize(
    ("setting", "address", "other"),
    [
        ("smtp_url", "smtp://127.0.0.1:{}?starttls=off", "SLACK"),
        ("slack_base_url", "http://127.0.0.1:{}/api/", "EMAIL"),
    ],
)
async def test_a_hung_channel_holds_up_no_other(tmp_path: Path, setting: str, address: str, other: str) -> None:
    """With a hung mail server people are told by Slack, with a hung Slack by mail; calls are answered; it stops."""
    async with silent() as (port, came), running_backend(tmp_path, **{setting: address.format(port)}) as backend:
        await a_page_stops(backend)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await came.wait()
            looks = 0
            while not {"olga@example.com", "ann@example.com"} <= {who for _, who, _ in backend.heard()}:
                await backend.soon(backend.notifications())
                backend.wake_workers(looks := looks + 1)
        assert {channel for channel, _, _ in backend.heard()} == {other}
        await backend.soon(backend.add_account("ben"))


async def test_a_hung_google_holds_up_no_other(tmp_path: Path) -> None:
    """A check waits for GOOGLE_TIMEOUT and degrades its link; pages, accounts and watches are served meanwhile."""
    async with running_backend(tmp_path, google_timeout="2s") as backend:
        await backend.add_account("ann")
        link = await backend.link("ann")
        await backend.add_page("page", ALL, "ann", "ann")
        backend.sandbox.fault("network/hang", surface="google")
        check = asyncio.ensure_future(backend.check(link.id))
        watcher = backend.watch()
        await backend.soon(watcher.snapshot())
        for number in range(20):
            await backend.soon(backend.add_account(f"other-{number}"))
            await backend.soon(backend.page("page"))
        checked = await backend.ticking(check)
        assert checked.state == links_pb.CALENDAR_LINK_STATE_DEGRADED
        assert (await backend.page("page")).accepting
        watcher.cancel()
