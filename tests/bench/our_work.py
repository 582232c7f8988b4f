"""Our server with a database to work on, the calls that it is given, and what they look like on the wire."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
from cryptography.fernet import Fernet

from calguard.v1 import booking_page_pb2 as page_pb
from calguard.v1 import booking_page_pb2_grpc as page_grpc
from calguard.v1 import calendar_link_pb2 as link_pb
from calguard.v1 import calendar_link_pb2_grpc as link_grpc
from calguard.v1 import watch_pb2, watch_pb2_grpc
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import many_links, servers
from tests.bench.native_drain import Request, Watch
from tests.bench.servers import Server

PAGES = tuple(f"page-{number}" for number in range(1_000, 5_096))
"""Names of one length; as many as a multiple of the calls in flight."""

BURST_PAGES = 5_000
_ACCOUNTS = 6_000
_SERVICE = "/calguard.v1.BookingPageService"
_CHECK = "/calguard.v1.CalendarLinkService/CheckCalendarLink"


@dataclass(frozen=True, slots=True)
class Payloads:
    """What ours answers to a read, and the StateChange of a page that is stopped by hand, and by a failed link."""

    answer: bytes
    change: bytes
    burst_change: bytes


@contextmanager
def calguard_with_pages(path: Path, bursts: int) -> Iterator[Server]:
    """Run our server on a database with pages to stop, and so many links that a check fails, each with many pages."""
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
        "WATCH_STREAMS_PER_CALLER": "10000",  # all streams come from one address here
        "CALLER_RATE": "1000000",  # and all calls
    }
    with servers.calguard(settings) as server:
        yield server


def watch(key_prefix: str = "page-") -> Watch:
    """A watch from now on; changes are told apart by the first name in them that begins so."""
    request = watch_pb2.WatchRequest(skip_snapshot=True).SerializeToString()
    return Watch("/calguard.v1.WatchService/Watch", request, watch_pb2.WatchResponse.CHANGES_FIELD_NUMBER, key_prefix)


def reads() -> list[Request]:
    """Read one page after the other."""
    bodies = (page_pb.GetBookingPageRequest(id=name).SerializeToString() for name in PAGES)
    return [Request(f"{_SERVICE}/GetBookingPage", body) for body in bodies]


def changes() -> list[Request]:
    """Stop a page and resume it, one page after the other."""
    calls = {"StopBookingPage": page_pb.StopBookingPageRequest, "ResumeBookingPage": page_pb.ResumeBookingPageRequest}
    return [
        Request(f"{_SERVICE}/{method}", request(id=name).SerializeToString(), name, 1)
        for name in PAGES
        for method, request in calls.items()
    ]


def burst(number: int) -> Sequence[Request]:
    """Check the link that a check fails: its own state changes, its account's own page, and those that were added."""
    body = link_pb.CheckCalendarLinkRequest(id=f"link-{number}").SerializeToString()
    return [Request(_CHECK, body, changes=1 + 1 + BURST_PAGES)]


def payloads(server: Server, burst_number: int | None) -> Payloads:
    """Have one of each happen, and see what is sent; without a burst, nothing is known of its change."""
    request = page_pb.GetBookingPageRequest(id=PAGES[0])
    with grpc.insecure_channel(server.address) as channel:
        pages = page_grpc.BookingPageServiceStub(channel)
        links = link_grpc.CalendarLinkServiceStub(channel)
        stream = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest(skip_snapshot=True))
        next(stream)
        answer = pages.GetBookingPage(request).SerializeToString()
        pages.StopBookingPage(page_pb.StopBookingPageRequest(id=PAGES[0]))
        change = next(stream).changes[0].SerializeToString()
        pages.ResumeBookingPage(page_pb.ResumeBookingPageRequest(id=PAGES[0]))
        next(stream)
        if burst_number is None:
            return Payloads(answer, change, b"")
        links.CheckCalendarLink(link_pb.CheckCalendarLinkRequest(id=f"link-{burst_number}"))
        return Payloads(answer, change, next(stream).changes[-1].SerializeToString())
