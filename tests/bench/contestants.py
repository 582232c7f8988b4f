"""The same work for ours, a bare grpc.aio server and etcd: how each is asked to read, to change, and to be watched."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography.fernet import Fernet

from calguard.v1 import booking_page_pb2 as page_pb
from calguard.v1 import booking_page_pb2_grpc as page_grpc
from calguard.v1 import calendar_link_pb2 as link_pb
from calguard.v1 import watch_pb2, watch_pb2_grpc
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import bare_server, etcd_wire, many_links, servers
from tests.bench.native_drain import Request, Watch
from tests.bench.servers import Server

OURS, BARE, ETCD = "ours", "bare grpc.aio", "etcd"
IN_FLIGHT = 64
SERIES = 2
"""A page is stopped, and resumed right after, by the same of those that make calls."""
BURST_PAGES = 5_000
_PAGES = range(1_000, 5_096)  # ids of one length; as many as a multiple of the calls in flight
_ACCOUNTS = 6_000
_SERVICE = "/calguard.v1.BookingPageService"
_CHECK = "/calguard.v1.CalendarLinkService/CheckCalendarLink"


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
        ours = _ours(stack.enter_context(calguard_with_pages(folder / "db", bursts)), bursts)
        answer, change = _real_payloads(ours.server.address)
        running = [ours, _bare(stack.enter_context(servers.bare(answer)), change, bursts)]
        if servers.etcd_version():
            running.append(_etcd(stack.enter_context(servers.etcd()), len(change), bursts))
        yield running


@contextmanager
def calguard_with_pages(path: Path, bursts: int) -> Iterator[Server]:
    """Run our server on a database with pages to stop, and links whose check fails them, and with each many pages."""
    key = Fernet.generate_key().decode()
    now = datetime.now(UTC)  # noqa: TID251 - a measurement runs in real time
    many_links.fill(path, Secret(key), _ACCOUNTS, now, SchedulePolicy(check_interval=timedelta(days=1)))
    for number in range(bursts):
        many_links.add_pages(path, number, BURST_PAGES, now)
    settings = {
        "LISTEN": "127.0.0.1:0",
        "HTTP_LISTEN": "127.0.0.1:0",
        "DATABASE_URL": f"sqlite:///{path}",
        "TOKEN_KEYS": key,
        "CHECK_INTERVAL": "1d",
    }
    with servers.calguard(settings) as server:
        yield server


def our_watch() -> Watch:
    """A watch of ours from now on."""
    request = watch_pb2.WatchRequest(skip_snapshot=True).SerializeToString()
    return Watch("/calguard.v1.WatchService/Watch", request, watch_pb2.WatchResponse.CHANGES_FIELD_NUMBER, "page-")


def _ours(server: Server, bursts: int) -> Contestant:
    names = [f"page-{number}" for number in _PAGES]
    reads = [page_pb.GetBookingPageRequest(id=name).SerializeToString() for name in names]
    hands = [page_pb.StopBookingPageRequest(id=name).SerializeToString() for name in names]  # ResumeBookingPage's too
    return Contestant(
        OURS,
        server,
        our_watch(),
        [Request(f"{_SERVICE}/GetBookingPage", body) for body in reads],
        [
            Request(f"{_SERVICE}/{method}", body, name, 1)
            for name, body in zip(names, hands, strict=True)
            for method in ("StopBookingPage", "ResumeBookingPage")
        ],
        [[_failing_check(number)] for number in range(bursts)],
    )


def _failing_check(number: int) -> Request:
    body = link_pb.CheckCalendarLinkRequest(id=f"link-{number}").SerializeToString()
    return Request(_CHECK, body, changes=1 + 1 + BURST_PAGES)  # the link, the account's own page, those added


def _real_payloads(address: str) -> tuple[bytes, bytes]:
    """What ours answers to a read, and the StateChange by which it tells of a stopped page."""
    with grpc.insecure_channel(address) as channel:
        pages = page_grpc.BookingPageServiceStub(channel)
        stream = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest(skip_snapshot=True))
        next(stream)
        name = f"page-{_PAGES.start}"
        answer = pages.GetBookingPage(page_pb.GetBookingPageRequest(id=name)).SerializeToString()
        pages.StopBookingPage(page_pb.StopBookingPageRequest(id=name))
        change = next(stream).changes[0].SerializeToString()
        pages.ResumeBookingPage(page_pb.ResumeBookingPageRequest(id=name))
        return answer, change


def _bare(server: Server, change: bytes, bursts: int) -> Contestant:
    service = f"/{bare_server.SERVICE}"
    names = [f"page-{number}" for number in _PAGES]
    bodies = [etcd_wire.field(1, change.replace(f"page-{_PAGES.start}".encode(), name.encode())) for name in names]
    changes = [Request(f"{service}/Change", body, name, 1) for name, body in zip(names, bodies, strict=True)]
    return Contestant(
        BARE,
        server,
        Watch(f"{service}/Watch", b"", 1, "page-"),
        [Request(f"{service}/Get", page_pb.GetBookingPageRequest(id=name).SerializeToString()) for name in names],
        changes,
        [changes[:100]] * bursts,
    )


def _etcd(server: Server, size: int, bursts: int) -> Contestant:
    names = [f"page-{number}" for number in _PAGES]
    value = bytes(range(1, 251)) * (size // 250 + 1)
    puts = [Request(etcd_wire.PUT, etcd_wire.put(name, value[:size]), name, 1) for name in names]
    keys = [etcd_wire.put(f"burst-page-{number}", value[:size]) for number in range(BURST_PAGES)]
    step = etcd_wire.TXN_OPERATIONS_MAX
    burst = [
        Request(etcd_wire.TXN, etcd_wire.transaction(part), changes=len(part))
        for part in (keys[start : start + step] for start in range(0, len(keys), step))
    ]
    return Contestant(
        ETCD,
        server,
        Watch(etcd_wire.WATCH, etcd_wire.watch_all(), etcd_wire.WATCH_EVENTS, "page-", half_close=False),
        [Request(etcd_wire.RANGE, etcd_wire.get(name)) for name in names],
        puts,
        [burst] * bursts,
    )
