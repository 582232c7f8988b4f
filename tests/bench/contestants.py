"""The same work for ours, a bare grpc.aio server and etcd: how each is asked to read, to change, and to be watched."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from tests.bench import bare_server, etcd_wire, our_work, servers
from tests.bench.native_drain import Request, Watch
from tests.bench.our_work import PAGES, Payloads
from tests.bench.servers import Server

OURS, BARE, ETCD = "ours", "bare grpc.aio", "etcd"
IN_FLIGHT = 64
SERIES = 2
"""A page is stopped, and resumed right after, by the same of those that make calls."""

BARE_BURST = 100
_BARE = f"/{bare_server.SERVICE}"


@dataclass(slots=True)
class Contestant:
    """A server with the work that it is given. `changes` and `reads` are taken in turn; a burst is used up."""

    name: str
    server: Server
    watch: Watch
    reads: Sequence[Request]
    changes: Sequence[Request]
    bursts: list[Sequence[Request]]


@contextmanager
def contestants(bursts: int) -> Iterator[list[Contestant]]:
    """Run them all, on the same disk: ours first, then the bare server, then etcd where it is installed.

    Each is given so many bursts: what an incident changes at once, each of other pages.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        seen = 1 if bursts else 0  # one more burst than is measured, to see what it sends
        server = stack.enter_context(our_work.calguard_with_pages(folder / "db", bursts + seen))
        payloads = our_work.payloads(server, bursts if seen else None)
        our_bursts = [our_work.burst(number) for number in range(bursts)]
        ours = Contestant(OURS, server, our_work.watch(), our_work.reads(), our_work.changes(), our_bursts)
        running = [ours, _bare(stack.enter_context(servers.bare(payloads.answer)), payloads, bursts)]
        if servers.etcd_version():
            running.append(_etcd(stack.enter_context(servers.etcd()), payloads, bursts))
        yield running


def _bare(server: Server, payloads: Payloads, bursts: int) -> Contestant:
    named = (payloads.change.replace(PAGES[0].encode(), name.encode()) for name in PAGES)
    changes = [
        Request(f"{_BARE}/Change", etcd_wire.field(1, body), name, 1) for name, body in zip(PAGES, named, strict=True)
    ]
    burst = [Request(f"{_BARE}/Change", etcd_wire.field(1, payloads.burst_change), changes=1)] * BARE_BURST
    reads = [Request(f"{_BARE}/Get", request.body) for request in our_work.reads()]
    return Contestant(BARE, server, Watch(f"{_BARE}/Watch", b"", 1, "page-"), reads, changes, [burst] * bursts)


def _etcd(server: Server, payloads: Payloads, bursts: int) -> Contestant:
    value, burst_value = _filler(len(payloads.change)), _filler(len(payloads.burst_change))
    keys = [etcd_wire.put(f"burst-page-{number}", burst_value) for number in range(our_work.BURST_PAGES)]
    step = etcd_wire.TXN_OPERATIONS_MAX
    burst = [
        Request(etcd_wire.TXN, etcd_wire.transaction(part), changes=len(part))
        for part in (keys[start : start + step] for start in range(0, len(keys), step))
    ]
    return Contestant(
        ETCD,
        server,
        Watch(etcd_wire.WATCH, etcd_wire.watch_all(), etcd_wire.WATCH_EVENTS, "page-", half_close=False),
        [Request(etcd_wire.RANGE, etcd_wire.get(name)) for name in PAGES],
        [Request(etcd_wire.PUT, etcd_wire.put(name, value), name, 1) for name in PAGES],
        [burst] * bursts,
    )


def _filler(size: int) -> bytes:
    """As many bytes, in which no key is found."""
    return bytes(islice(cycle(range(128, 256)), size))
