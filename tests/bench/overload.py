"""What overload does: changes at the rate that the server can serve, and at three times that."""

from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from google.protobuf.field_mask_pb2 import FieldMask

from calguard.v1 import booking_page_pb2 as page_pb
from tests.bench import our_work
from tests.bench.native_drain import Calls, Request, Result, drain
from tests.bench.page import Target, targets_table
from tests.bench.servers import Server

_ROUNDS = 3
_SECONDS = 4
_IN_FLIGHT = 64
_TIMES = (1, 3)
_KEPT = 3

_HEAD = f"""## Overload

UpdateBookingPage, each committed. What can be served is measured first, by {_IN_FLIGHT} calls in flight. Then calls
are sent evenly at that rate, and at three times that, for {_SECONDS} s each, whether or not those before are answered.
Those refused are refused with UNAVAILABLE `OVERLOADED`; the latencies are of those served, by the client's clock. The
median of {_ROUNDS} rounds.

| load | sent/s | served/s | refused/s | p50 | p99 | cores used |
|---|---|---|---|---|---|---|
"""

_FOOT = """
A refusal takes gRPC about 110 us of processor time, which is a third of what such a change takes and three quarters of
what a read takes. So at three times the load of changes refusing takes most of the processor, and little is left to
serve; and reads, which are as cheap as their refusal, cannot be kept up by refusing some. A limit in front of the
server, or CALLER_RATE at the callers that exceed it, has to come before that.

"""


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    with TemporaryDirectory() as folder, our_work.calguard_with_pages(Path(folder) / "db", 0) as server:
        measured: dict[int, list[tuple[float, Result]]] = {times: [] for times in _TIMES}
        for _ in range(_ROUNDS):
            full = drain(server, None, Calls(_changes(), _IN_FLIGHT, seconds=_SECONDS))
            for times in _TIMES:
                rate = times * full.calls / full.answered_seconds
                measured[times].append((rate, _paced(server, rate)))
        for times, results in measured.items():
            yield _row(times, results)
        yield _FOOT + targets_table([_target(measured)])


def _paced(server: Server, rate: float) -> Result:
    return drain(
        server, None, Calls(_changes(), _IN_FLIGHT, seconds=_SECONDS, interval_seconds=1 / rate, refusable=True)
    )


def _changes() -> list[Request]:
    """Change each page's title, again and again."""
    method = "/calguard.v1.BookingPageService/UpdateBookingPage"
    titled = (_titled(name, title) for title in ("One", "Two") for name in our_work.PAGES)
    return [Request(method, request.SerializeToString()) for request in titled]


def _titled(name: str, title: str) -> page_pb.UpdateBookingPageRequest:
    page = page_pb.BookingPage(id=name, title=title)
    return page_pb.UpdateBookingPageRequest(booking_page=page, update_mask=FieldMask(paths=["title"]))


def _row(times: int, results: list[tuple[float, Result]]) -> str:
    sent = median(rate for rate, _ in results)
    served = median(each.calls / _SECONDS for _, each in results)
    refused = median(each.refused / _SECONDS for _, each in results)
    p50 = median(each.call_latency.p50 for _, each in results) * 1e3
    p99 = median(each.call_latency.p99 for _, each in results) * 1e3
    cores = median(each.server_cpu_seconds / _SECONDS for _, each in results)
    return f"| {times}x | {sent:,.0f} | {served:,.0f} | {refused:,.0f} | {p50:.0f} ms | {p99:.0f} ms | {cores:.2f} |\n"


def _target(measured: dict[int, list[tuple[float, Result]]]) -> Target:
    once, thrice = (median(each.call_latency.p99 for _, each in measured[times]) for times in _TIMES)
    wanted = f"p99 at 3x <= {_KEPT} times that at 1x"
    return Target("overload, latency of what is served", wanted, f"{thrice / once:.1f}", thrice <= _KEPT * once)
