"""How a server ends: in time whatever hangs around it, at once when it is asked twice; what its supervisor hears."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import grpc.aio
import pytest

from calguard.v1 import notification_pb2 as notices_pb
from calguard_server.commands.stopping import BEYOND_DRAIN
from tests.e2e.operating import Operation, operating
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL, Stubs, refused, told
from tests.patience import PATIENCE_SECONDS

SENDING = notices_pb.NOTIFICATION_STATE_SENDING
SIGTERM_TWICE, SIGINT_TWICE = 128 + 15, 128 + 2


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    async with operating(tmp_path) as running:
        running.set(notice_group_wait="0s")
        yield running


async def sending(stubs: Stubs, count: int) -> None:
    """Return once that many notices are on their way."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len([each for each in await stubs.notifications() if each.state is SENDING]) < count:
            pass


def half_request(port: int) -> socket.socket:
    """A browser that never says the rest."""
    browser = socket.create_connection(("127.0.0.1", port))
    browser.sendall(b"POST /oauth/callback HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    return browser


async def test_nothing_that_hangs_holds_it_up(operation: Operation) -> None:
    """Google, Slack and the mail server never answer, watchers never read, a browser stops half-way: it ends with 0.

    Beyond its time it would end with another code. What was on its way is sent by the next server.
    """
    serving = await operation.serve()
    stubs = serving.stubs
    for name in ("ann", "ben"):
        await stubs.add_account(name)
    link, other = await operation.link(stubs, "ann"), await operation.link(stubs, "ben")
    await stubs.add_page("page", ALL, "ann", "ann")
    operation.sandbox.fault("network/hang", surface="smtp", endpoint="rcpt")
    operation.sandbox.fault("network/hang", surface="slack", endpoint="chat.postMessage")
    assert operation.sandbox.google.revoke("ann@example.com")
    await stubs.check(link.id)
    await sending(stubs, 2)
    operation.sandbox.fault("network/hang", surface="google", endpoint="freebusy")
    watchers = [stubs.watch() for _ in range(50)]
    await watchers[0].snapshot()
    held = asyncio.ensure_future(stubs.check(other.id))
    [listening] = [event for event in serving.process.events if "http_port" in event]
    with closing(half_request(int(str(listening["http_port"])))):
        assert await serving.stop() == 0
    assert told(await refused(held)) == ("UNAVAILABLE", "SERVER_DRAINING")
    assert serving.process.complaints == ""
    operation.sandbox.faults.clear()
    again = await operation.serve()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while {each.state for each in await again.stubs.notifications()} != {notices_pb.NOTIFICATION_STATE_SENT}:
            pass


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", SIGTERM_TWICE), ("SIGINT", SIGINT_TWICE)])
async def test_asked_twice_it_ends_at_once(operation: Operation, number: str, code: int) -> None:
    """It breaks off a call that it would have let go on for an hour; what was answered is there afterwards."""
    operation.set(drain_timeout="1h", google_timeout="1m")
    serving = await operation.serve()
    await serving.stubs.add_account("ann")
    link = await operation.link(serving.stubs, "ann")
    operation.sandbox.fault("network/hang", surface="google", endpoint="freebusy")
    held = asyncio.ensure_future(serving.stubs.check(link.id))
    await operation.sandbox.google_requests.wait(after=operation.sandbox.google_requests.last, seconds=30)
    serving.process.send(signal.Signals[number])
    await serving.process.until('"stopping"')
    assert not held.done()
    serving.process.send(signal.Signals[number])
    assert await serving.process.ended() == code
    assert "ending at once" in serving.process.printed
    with pytest.raises(grpc.aio.AioRpcError):
        await held
    operation.sandbox.faults.clear()
    again = await operation.serve()
    assert [each.id for each in await again.stubs.all_links()] == [link.id]


async def test_a_deadline_ends_a_process_that_stands_still() -> None:
    """Also one whose event loop waits for ever; it says so."""
    program = (
        "import threading; from datetime import timedelta\n"
        "from calguard_server.commands.stopping import Deadline\n"
        "Deadline(timedelta(milliseconds=50)).begin()\n"
        "threading.Event().wait()\n"
    )
    process = await ServerProcess.start({}, command=(sys.executable, "-c", program))
    assert await process.ended() == os.EX_SOFTWARE
    assert process.complaints == (
        "calguard-server: not stopped within 0.05 s: ending at once; what was answered is saved\n"
    )
    assert BEYOND_DRAIN.total_seconds() == 15  # as the unit of systemd and docs/operations.md have it


class Ear:
    """The supervisor's socket, in a file or in the abstract namespace (`@name`)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    async def hear(self) -> str:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return (await asyncio.get_running_loop().sock_recv(self._socket, 1000)).decode()

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize("abstract", [False, True])
async def test_its_supervisor_is_told(operation: Operation, *, abstract: bool) -> None:
    """That it serves, once it does; that it is alive, again and again; and that it is about to end."""
    address = f"@{operation.folder}/notify" if abstract else str(operation.folder / "notify")
    with closing(Ear(address)) as ear:
        operation.environment |= {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000"}
        serving = await operation.serve()
        assert [await ear.hear() for _ in range(4)] == ["READY=1"] + ["WATCHDOG=1"] * 3
        serving.process.terminate()
        while (heard := await ear.hear()) == "WATCHDOG=1":
            pass
        assert heard == "STOPPING=1"
        assert await serving.process.ended() == 0


async def test_without_a_watchdog_it_is_told_the_rest(operation: Operation) -> None:
    """Nor with one that is another process's; and a supervisor that is gone is no reason to end."""
    with closing(Ear(str(operation.folder / "notify"))) as ear:
        operation.environment |= {"NOTIFY_SOCKET": ear.address, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}
        serving = await operation.serve()
        assert await ear.hear() == "READY=1"
        assert await serving.stop() == 0
        assert await ear.hear() == "STOPPING=1"
    operation.environment["NOTIFY_SOCKET"] = str(operation.folder / "nobody")
    serving = await operation.serve()
    await serving.process.until("the supervisor cannot be told")
    assert await serving.stop() == 0
