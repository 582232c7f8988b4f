"""Unary calls a second: reading a page, and changing one durably, beside a bare echo and etcd."""

from collections.abc import Iterator, Mapping

from tests.bench.contestants import BARE, IN_FLIGHT, OURS, SERIES, Contestant, contestants
from tests.bench.figures import Figures, in_turn, of_calls
from tests.bench.native_drain import Calls, Result, drain
from tests.bench.page import Target, targets_table

_ROUNDS = 3
_SECONDS = 2
_READ_TARGET = 0.9
_CHANGE_TARGET = 0.5

_HEAD = f"""## Calls a second

A native client keeps {IN_FLIGHT} calls in flight over 4 connections, for {_SECONDS} s; the median of {_ROUNDS} rounds
in turn. Read: GetBookingPage of ours; the bare grpc.aio server answers the same bytes to the same request, whatever it
asks; etcd answers a Range of one key. Change: ours stops and resumes pages by StopBookingPage and ResumeBookingPage,
each committed (SQLite, synchronous=FULL) before its answer; the bare server still only answers; etcd commits a Put of
as many bytes as our change has. A core is a second of the server's processor time.

| call | server | calls/s | calls a core | cores used | p50 | p99 |
|---|---|---|---|---|---|---|
"""

_FOOT = """
What bounds a change, by profile: three quarters of the server's main thread are gRPC and the event loop, which the bare
server has as well. The engine and the store take about 62 us of processor time a change, and 265 us a commit, for
however many changes share it. Calls wait in gRPC rather than at the writer, so only three or four changes share a
commit, by the median, and each bears much of its cost; the interpreter's lock goes to and fro with the writer's thread
meanwhile. A read is bounded by gRPC: a handler that answers a constant is 4 to 12 % dearer than the bare one already.

"""


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    with contestants(bursts=0) as running:
        read = {name: of_calls(each) for name, each in in_turn(running, _ROUNDS, _read).items()}
        yield from _rows("read", read)
        change = {name: of_calls(each) for name, each in in_turn(running, _ROUNDS, _change).items()}
        yield from _rows("change", change)
    yield _FOOT + targets_table(_targets(read, change))


def _read(contestant: Contestant) -> Result:
    calls = Calls(contestant.reads, IN_FLIGHT, seconds=_SECONDS)
    return drain(contestant.server, None, calls)


def _change(contestant: Contestant) -> Result:
    if contestant.name == BARE:
        return _read(contestant)
    return drain(contestant.server, None, Calls(contestant.changes, IN_FLIGHT, series=SERIES, seconds=_SECONDS))


def _rows(call: str, figures: Mapping[str, Figures]) -> Iterator[str]:
    for name, each in figures.items():
        waits = f"{each.p50 * 1e3:.1f} ms | {each.p99 * 1e3:.1f} ms"
        yield f"| {call} | {name} | {each.rate:,.0f} | {each.per_core:,.0f} | {each.cores:.2f} | {waits} |\n"


def _targets(read: Mapping[str, Figures], change: Mapping[str, Figures]) -> Iterator[Target]:
    for what, figures, least in (("read", read, _READ_TARGET), ("change", change, _CHANGE_TARGET)):
        ours, bare = figures[OURS], figures[BARE]
        ratio, by_core = ours.rate / bare.rate, ours.per_core / bare.per_core
        yield Target(f"{what}, calls/s", f">= {least} of bare", f"{ratio:.2f} ({by_core:.2f} a core)", ratio >= least)
