"""A clock that is set ahead or back by hours while the server runs: nothing storms, and nothing stands still."""

import asyncio
from datetime import timedelta

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL
from tests.patience import PATIENCE_SECONDS

JUMP = timedelta(hours=6)
STOPPED = pages_pb.BOOKING_PAGE_STATE_STOPPED


async def a_page(backend: Backend) -> links_pb.CalendarLink:
    for name in ("ann", "olga"):
        await backend.add_account(name)
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "olga", "ann")
    return link


async def checked_since(backend: Backend, link: links_pb.CalendarLink) -> None:
    while (await backend.calendar_link(link.id)).last_check_time == link.last_check_time:
        pass


async def stops(backend: Backend) -> None:
    while (await backend.page("page")).state != STOPPED:
        pass


async def test_ahead_makes_one_check_of_each_link(backend: Backend) -> None:
    """And not those of all the hours that were skipped; nobody is told anything, and what fails then is found."""
    link = await a_page(backend)
    before = backend.sandbox.google_requests.last
    backend.clock.jump(JUMP)
    await backend.ticking(checked_since(backend, link))
    await backend.pass_time(seconds=30)
    assert backend.sandbox.google_requests.last - before <= 4  # a token, and what one check asks
    assert await backend.notifications() == []
    assert backend.sandbox.google.revoke("ann@example.com")
    await backend.ticking(stops(backend))
    assert {who for _, who, _ in await backend.heard_since_settled()} == {"ann@example.com", "olga@example.com"}


async def test_back_ends_the_server_which_goes_on_afresh(backend: Backend) -> None:
    """It says so; started again, it checks within an interval of the time that it is now, and tells people once."""
    link = await a_page(backend)
    await backend.pass_time(minutes=15)
    await backend.ticking(checked_since(backend, link))
    backend.clock.jump(-JUMP)
    backend.clock.advance(timedelta(seconds=2))
    async with asyncio.timeout(PATIENCE_SECONDS):
        error = await asyncio.shield(backend.app.failed)
    assert str(error) == "the clock was set back by 6:00:00: start the server again"
    await backend.restart()
    assert backend.sandbox.google.revoke("ann@example.com")
    began = backend.clock.now()
    await backend.ticking(stops(backend))
    assert backend.clock.now() - began <= timedelta(minutes=11)
    told = [who for _, who, _ in await backend.heard_since_settled()]
    assert sorted(set(told)) == ["ann@example.com", "olga@example.com"]
    assert len(told) == 4  # by mail and by Slack, each once


async def test_a_little_is_nothing(backend: Backend) -> None:
    """What synchronizing clocks do all the time ends no server."""
    await a_page(backend)
    for seconds in (-30, 45, -59):
        backend.clock.jump(timedelta(seconds=seconds))
        await backend.pass_time(seconds=5)
    assert not backend.app.failed.done()
    await backend.add_account("ben")
