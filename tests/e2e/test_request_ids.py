"""Which call a line of the log belongs to."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from tests.e2e.operating import Serving, operating
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL, Stubs


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with operating(tmp_path) as operation:
        yield await operation.serve()


async def refused(stubs: Stubs, page_id: str, sent: str = "") -> None:
    metadata = (("x-request-id", sent),) if sent else ()
    with pytest.raises(grpc.aio.AioRpcError):
        await stubs.pages.GetBookingPage(pages_pb.GetBookingPageRequest(id=page_id), metadata=metadata)


def ids(server: ServerProcess) -> list[str]:
    return [str(event["request_id"]) for event in server.events if event["event"] == "call"]


async def test_lines_carry_the_callers_id_or_one_of_ours(server: Serving) -> None:
    """What is no plain id is not taken into the log; no two calls share one that was made here."""
    process, stubs = server.process, server.stubs
    for sent in ("booking-42/7", "", 'no"id', "x" * 65, ""):
        await refused(stubs, "none", sent)
    first, *others = ids(process)
    assert first == "booking-42/7"
    assert len(set(others)) == 4
    assert all(len(each) == 16 and int(each, 16) >= 0 for each in others)


async def test_pages_that_stop_and_start_are_logged(server: Serving) -> None:
    """With the page, why it stands as it does, and the revision at which subscribers were told."""
    process, stubs = server.process, server.stubs
    await stubs.add_account("ann")
    await stubs.add_page("intro", ALL, "ann", "ann")
    stopped = await stubs.pages.StopBookingPage(pages_pb.StopBookingPageRequest(id="intro"))
    await process.until("booking page changed")
    [changed] = [event for event in process.events if event["event"] == "booking page changed"]
    assert (changed["booking_page_id"], changed["state"], changed["stop_cause"]) == ("intro", "STOPPED", "OWNER")
    assert changed["revision"] == stopped.booking_page.revision
