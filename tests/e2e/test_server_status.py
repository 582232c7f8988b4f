"""The server's status, as an overview and scripts read it."""

from datetime import UTC, timedelta
from importlib.metadata import version

import grpc

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import server_pb2 as server_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL, ANY, UNDER_WAY

SECOND = timedelta(seconds=1)


def links_in(status: server_pb.ServerStatus) -> list[tuple[str, int]]:
    name = links_pb.CalendarLinkState.Name
    return [(name(each.state).removeprefix("CALENDAR_LINK_STATE_"), each.count) for each in status.calendar_link_counts]


def pages_in(status: server_pb.ServerStatus) -> list[tuple[str, int]]:
    name = pages_pb.BookingPageState.Name
    return [(name(each.state).removeprefix("BOOKING_PAGE_STATE_"), each.count) for each in status.booking_page_counts]


async def test_from_an_empty_server_to_a_broken_link(backend: Backend) -> None:
    """Every state is named in the contract's order; revisions and times tell the changes a second."""
    began = backend.clock.now()
    empty = await backend.server_status()
    assert empty.version == version("calguard")
    assert empty.start_time.ToDatetime(UTC) == began
    assert links_in(empty) == [("LINKED", 0), ("DEGRADED", 0), ("FAILED", 0), ("STOPPED", 0)]
    assert pages_in(empty) == [("LINKED", 0), ("DEGRADED", 0), ("STOPPED", 0)]
    assert (empty.revision, empty.watches, empty.unsent_notifications) == (0, 0, 0)
    assert not empty.HasField("oldest_unsent_time")

    await backend.add_account("ann")
    link = await backend.link("ann")
    await backend.add_page("all", ALL, "ann", "ann")
    await backend.add_page("any", ANY, "ann")
    watchers = [backend.watch(), backend.watch()]
    for watcher in watchers:
        await watcher.snapshot()
    backend.clock.advance(SECOND)
    status = await backend.server_status()
    assert links_in(status)[0] == ("LINKED", 1)
    assert pages_in(status)[0] == ("LINKED", 2)
    assert status.watches == 2

    await backend.break_link(link)
    assert await watchers[0].up_to(status.revision + 1)
    backend.clock.advance(SECOND)
    broken = await backend.server_status()
    assert (links_in(broken)[2], pages_in(broken)[2]) == (("FAILED", 1), ("STOPPED", 1))
    assert broken.revision == watchers[0].changes[-1].revision
    assert broken.read_time.ToDatetime() - status.read_time.ToDatetime() >= SECOND
    for watcher in watchers:
        watcher.cancel()


async def test_notices_that_wait_and_are_given_up(backend: Backend) -> None:
    """While the mail server refuses for now, the oldest notice's age shows; those that nobody takes are counted."""
    await backend.add_account("ann")
    link = await backend.link("ann")
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.fault("smtp/450")
    owed = backend.clock.now()
    await backend.break_link(link)
    backend.clock.advance(SECOND)
    waiting = await backend.server_status()
    assert waiting.unsent_notifications > 0
    assert owed <= waiting.oldest_unsent_time.ToDatetime(UTC) <= waiting.read_time.ToDatetime(UTC)

    backend.sandbox.faults.clear()
    backend.sandbox.fault("smtp/550")
    await backend.until(_alerted_and_settled)
    backend.clock.advance(SECOND)
    settled = await backend.server_status()
    assert settled.unsent_notifications == 0
    assert not settled.HasField("oldest_unsent_time")
    dead = [each for each in await backend.notifications() if each.state == notices_pb.NOTIFICATION_STATE_DEAD]
    assert settled.dead_notifications == len(dead) > 0


def _alerted_and_settled(notices: list[notices_pb.Notification]) -> bool:
    """What is given up alerts the operator, a moment later."""
    alerted = any(each.kind == notices_pb.NOTIFICATION_KIND_OPERATOR_ALERT for each in notices)
    return alerted and not any(each.state in UNDER_WAY for each in notices)


async def test_a_restart_is_seen(backend: Backend) -> None:
    """The start is the process's own, and the revision goes on."""
    await backend.add_account("ann")
    await backend.link("ann")
    before = await backend.server_status()
    backend.clock.advance(timedelta(minutes=1))
    await backend.restart()
    after = await backend.server_status()
    assert after.start_time.ToDatetime() - before.start_time.ToDatetime() >= timedelta(minutes=1)
    assert after.revision >= before.revision > 0


async def test_a_status_is_code_ok_for_bytes_of_a_newer_client(backend: Backend) -> None:
    """A field that this server does not know is no reason to refuse."""
    call = backend.channel.unary_unary("/calguard.v1.ServerService/GetServerStatus")(b"\x78\x01")
    assert server_pb.GetServerStatusResponse.FromString(await call).server_status.version
    assert await call.code() is grpc.StatusCode.OK
