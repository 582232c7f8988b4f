"""How long watches last, how many there may be, how slow their readers may be, and what LATEST leaves out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import watch_pb2 as watch_pb
from calguard_server.engine.ports.watching import WatchSpec
from calguard_server.watch.feed import Feed
from tests.e2e.backend import Backend, running_backend
from tests.e2e.stubs import ALL, refused, told
from tests.e2e.watching import Watcher, id_of
from tests.patience import PATIENCE_SECONDS

LATEST = watch_pb.WATCH_MODE_LATEST


@pytest.fixture(autouse=True)
async def ann(backend: Backend) -> None:
    await backend.add_account("ann")


def feed_of(backend: Backend) -> Feed:
    return backend.app._feed


async def test_a_stream_ends_by_itself(backend: Backend) -> None:
    """After its time, 45 min in the middle of chance, a stream says that it closes and ends well; it can be resumed."""
    watcher = backend.watch()
    await watcher.snapshot()
    await backend.add_page("page", ALL, "ann")
    began = backend.clock.now()
    backend.clock.advance(timedelta(minutes=44))
    while not (last := await backend.ticking(watcher.read())).HasField("closing"):
        pass
    assert last.closing.reason == "STREAM_LIFETIME"
    assert backend.clock.now() - began >= timedelta(minutes=45)
    with pytest.raises(AssertionError, match="ended without an error"):
        await watcher.read()
    resumed = backend.watch(resume_token=last.resume_token)
    await backend.add_page("after", ALL, "ann")
    assert await resumed.up_to(2) == [2]
    resumed.cancel()


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Backend]:
    """A server that serves three watches, two a caller."""
    (tmp_path / "narrow").mkdir()
    async with running_backend(tmp_path / "narrow", watch_streams="3", watch_streams_per_caller="2") as backend:
        yield backend


async def test_a_caller_with_too_many_streams(narrow: Backend) -> None:
    """The third watch from one address is refused; one from another address is not, until the server has enough."""
    mine = [narrow.watch(), narrow.watch()]
    for watcher in mine:
        await watcher.snapshot()
    refusal = await refused(narrow.watch().read())
    assert told(refusal) == ("RESOURCE_EXHAUSTED", "STREAM_LIMIT")
    assert "this caller has 2" in refusal.message
    async with feed_of(narrow).open(WatchSpec(), "ipv4:10.0.0.7") as another:
        await anext(another)
        refusal = await refused(narrow.watch().read())
        assert "this server serves 3" in refusal.message
    mine[0].cancel()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while feed_of(narrow).streams > 1:
            await mine_is_gone(narrow)
    again = narrow.watch()
    await again.snapshot()
    again.cancel()
    mine[1].cancel()


async def mine_is_gone(backend: Backend) -> None:
    """One round trip, in which the server may take note of a stream that was cancelled."""
    await backend.notifications()


async def test_latest_leaves_out_what_is_superseded(backend: Backend) -> None:
    """Resumed in LATEST, a watch is sent each page's last change alone; in EVERY, all of them, by the same token."""
    pages = [await backend.add_page(f"page-{number}", ALL, "ann") for number in range(3)]
    watcher = backend.watch()
    await watcher.snapshot()
    watcher.cancel()
    for _ in range(4):
        for page in pages:
            await backend.stop_page(page.id)
            await backend.pages.ResumeBookingPage(pages_pb.ResumeBookingPageRequest(id=page.id))
    for restart in (False, True):  # from the ring, then from the log
        if restart:
            await backend.restart()
        latest, every = (backend.watch(resume_token=watcher.token, mode=mode) for mode in (LATEST, 0))
        await latest.up_to(27)
        await every.up_to(27)
        assert latest.revisions == [23, 25, 27]
        assert [id_of(change) for change in latest.changes] == ["page-0", "page-1", "page-2"]
        assert [change.booking_page for change in latest.changes] == [await backend.page(page.id) for page in pages]
        assert every.revisions == list(range(4, 28))
        latest.cancel()
        every.cancel()


async def test_a_bad_mode(backend: Backend) -> None:
    """A mode that is none is refused by name."""
    refusal = await refused(backend.watch(mode=7).read())
    assert [bad.field for bad in refusal.fields] == ["mode"]
    assert refusal.fields[0].description == "expected one of WATCH_MODE_EVERY, WATCH_MODE_LATEST"


async def test_a_reader_that_does_not_read_is_given_up(backend: Backend) -> None:
    """When a message has waited for 10 s, the stream is ended: SLOW_CONSUMER, and its token is good for the rest."""
    members = [f"{number:063}" for number in range(300)]
    await asyncio.gather(*(backend.add_account(each, email="", display_name="Long") for each in members))
    page = await backend.add_page("page", ALL, "ann", *members)
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{backend.app.port}")
    lazy = Watcher(channel)
    await lazy.snapshot()
    for _ in range(300):  # some 12 MiB, which is more than lies in buffers
        await backend.stop_page(page.id)
        await backend.pages.ResumeBookingPage(pages_pb.ResumeBookingPageRequest(id=page.id))
    async with asyncio.timeout(PATIENCE_SECONDS):
        while feed_of(backend).streams:
            backend.clock.advance(timedelta(seconds=1))
            await backend.notifications()
    assert told(await lazy.ended()) == ("RESOURCE_EXHAUSTED", "SLOW_CONSUMER")
    assert lazy.revisions[-1] < page.revision + 600
    await channel.close()
    rest = backend.watch(resume_token=lazy.token)
    assert lazy.revisions + await rest.up_to(page.revision + 600) == list(range(page.revision + 1, page.revision + 601))
    rest.cancel()
