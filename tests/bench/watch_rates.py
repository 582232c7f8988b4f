"""Changes delivered to watchers: one change a call, an incident's burst, and one change at light load."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from tests.bench.contestants import BARE, BARE_BURST, ETCD, IN_FLIGHT, OURS, SERIES, Contestant, contestants
from tests.bench.figures import Figures, Rounds, in_turn, of_deliveries
from tests.bench.native_drain import Calls, Result, drain
from tests.bench.our_work import BURST_PAGES
from tests.bench.page import Target, targets_table

CONNECTIONS = 10
_ROUNDS = 3
_SECONDS = 2
_FEW, _MANY = 100, 1_000
_WATCHERS = ((1, 1), (_FEW, CONNECTIONS), (_MANY, CONNECTIONS), (_MANY, _MANY))
"""How many, over how many connections."""
_BARE_CALLS = 128
"""The bare server answers before it delivers: with many watchers it is given what it delivers within seconds."""
_LIGHT_SECONDS = 0.2
_LIGHT_CHANGES = 20

_HEAD = f"""## Changes delivered a second

A native client holds the watches, over so many connections, and makes the changes, {IN_FLIGHT} in flight for
{_SECONDS} s; it counts what each stream gets, until each has got every change. Ours: StopBookingPage and
ResumeBookingPage, each committed (SQLite, synchronous=FULL) before its answer, and Watch. Bare: a grpc.aio server that
writes each change to each stream, and keeps it in memory only. etcd: Put of as many bytes as our change has, and Watch
of all keys. A core is a second of the server's processor time; a wait is from a call's sending until a stream has its
change. The median of {_ROUNDS} rounds in turn.

| watchers | connections | server | delivered/s | delivered a core | cores used | p50 | p99 |
|---|---|---|---|---|---|---|---|
"""

_BURST_HEAD = f"""
## An incident's burst

One check fails a link whose account is a member of {BURST_PAGES:,} pages: one transaction of as many changes, which
{_MANY:,} watchers are told of, over {CONNECTIONS} connections. All: from the call to the last arrival, so that deciding
and committing is part of it; delivering: from the first arrival to the last. etcd: as many Puts of as many bytes, in
transactions of as many as it takes. Bare: {BARE_BURST} changes, one by one. The median of {_ROUNDS} rounds in turn.

| server | all, delivered/s | delivering, delivered/s | delivered a core | cores used |
|---|---|---|---|---|
"""

_LIGHT_HEAD = f"""
## One change to {_MANY:,} watchers

At light load, a change each {_LIGHT_SECONDS * 1e3:.0f} ms: from a call's sending until a stream has its change, and
until the last of all has it. The median of {_ROUNDS} rounds in turn.

| server | p50 | p99 | p50 of the last | cores used |
|---|---|---|---|---|
"""

_FOOT = """
What bounds ours, by profile: a message to a stream costs gRPC about 35 us whatever its size, half of it two system
calls (one to send, one to wake the event loop when it was sent), and Calguard's own part is less than a tenth of it. So
many streams are served in few large messages, at most eight times a second to a thousand. Between them the changes are
made, each by a call of its own, and how many those are is the rate of durable changes above: that alone bounds what
few watchers are delivered, where etcd makes several times as many changes.

"""

Medians = Mapping[str, Figures]


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    with contestants(bursts=_ROUNDS) as running:
        yield _HEAD
        steady = {}
        for streams, connections in _WATCHERS:
            figures = _medians(in_turn(running, _ROUNDS, partial(_steady, streams, connections)), streams)
            yield from (_steady_row(streams, connections, name, each) for name, each in figures.items())
            steady[streams, connections] = figures
        yield _BURST_HEAD
        bursts = in_turn(running, _ROUNDS, _burst)
        burst = _medians(bursts, _MANY)
        yield from (_burst_row(name, each, bursts[name]) for name, each in burst.items())
        yield _LIGHT_HEAD
        lights = in_turn(running, _ROUNDS, _light)
        light = _medians(lights, _MANY)
        yield from (_light_row(name, each, lights[name]) for name, each in light.items())
    yield _client_cost(bursts)
    yield _FOOT + targets_table((*_steady_targets(steady), *_burst_targets(burst), *_light_targets(light)))


def _steady(streams: int, connections: int, contestant: Contestant) -> Result:
    count = _BARE_CALLS if contestant.name == BARE and streams == _MANY else 0
    calls = Calls(contestant.changes, IN_FLIGHT, series=SERIES, seconds=_SECONDS, count=count)
    return drain(contestant.server, contestant.watch.of(streams, connections), calls)


def _burst(contestant: Contestant) -> Result:
    requests = contestant.bursts.pop()
    watch = replace(contestant.watch.of(_MANY, CONNECTIONS), key_prefix="")  # a call brings many: which is no matter
    return drain(contestant.server, watch, Calls(requests, 1, connections=1, count=len(requests)))


def _light(contestant: Contestant) -> Result:
    calls = Calls(
        contestant.changes, 1, connections=1, series=SERIES, count=_LIGHT_CHANGES, interval_seconds=_LIGHT_SECONDS
    )
    return drain(contestant.server, contestant.watch.of(_MANY, CONNECTIONS), calls)


def _medians(rounds: Rounds, streams: int) -> Medians:
    return {name: of_deliveries(results, streams) for name, results in rounds.items()}


def _steady_row(streams: int, connections: int, name: str, each: Figures) -> str:
    waits = f"{each.p50 * 1e3:.1f} ms | {each.p99 * 1e3:.1f} ms"
    figures = f"{each.rate:,.0f} | {each.per_core:,.0f} | {each.cores:.2f} | {waits}"
    return f"| {streams:,} | {connections:,} | {name} | {figures} |\n"


def _burst_row(name: str, each: Figures, results: Sequence[Result]) -> str:
    delivering = median(_MANY * one.changes / (one.delivered_seconds - one.first_seconds) for one in results)
    return f"| {name} | {each.rate:,.0f} | {delivering:,.0f} | {each.per_core:,.0f} | {each.cores:.2f} |\n"


def _light_row(name: str, each: Figures, results: Sequence[Result]) -> str:
    last = median(one.last_latency.p50 for one in results)
    waits = " | ".join(f"{wait * 1e3:.1f} ms" for wait in (each.p50, each.p99, last))
    return f"| {name} | {waits} | {each.cores:.2f} |\n"


def _client_cost(bursts: Rounds) -> str:
    message = median(each.drain_cpu_seconds / each.messages for each in bursts[BARE])
    change = median(each.drain_cpu_seconds / (each.changes * _MANY) for each in bursts[OURS])
    return (
        f"\nOf the same processor the client took {message * 1e6:.1f} us for a message of one change (bare), "
        f"and {change * 1e9:.0f} ns for a change in a burst (ours).\n"
    )


def _steady_targets(steady: Mapping[tuple[int, int], Medians]) -> Iterator[Target]:
    to_few, to_many = steady[_FEW, CONNECTIONS], steady[_MANY, CONNECTIONS]
    if ETCD not in to_many:
        return
    few = to_few[OURS].rate / to_few[ETCD].rate
    yield Target(f"to {_FEW} watchers", ">= 0.8 x etcd", f"{few:.2f}", few >= 0.8)
    ours, etcd = to_many[OURS], to_many[ETCD]
    many, by_core = ours.rate / etcd.rate, ours.per_core / etcd.per_core
    yield Target(f"to {_MANY:,} watchers", ">= 3 x etcd", f"{many:.2f}", many >= 3)
    yield Target(f"to {_MANY:,} watchers, a core", ">= 5 x etcd", f"{by_core:.2f}", by_core >= 5)
    waits = f"{ours.p50 * 1e3:.0f} ms, etcd {etcd.p50 * 1e3:.0f} ms"
    yield Target(f"to {_MANY:,} watchers, p50", "below etcd's", waits, ours.p50 < etcd.p50)


def _burst_targets(burst: Medians) -> Iterator[Target]:
    rate = burst[OURS].per_core
    yield Target("an incident's burst", ">= 3,000,000/s on one core", f"{rate:,.0f}", rate >= 3e6)


def _light_targets(light: Medians) -> Iterator[Target]:
    ratio = light[OURS].p50 / light[BARE].p50
    yield Target("one change at light load, p50", "<= 1.2 x bare", f"{ratio:.2f}", ratio <= 1.2)
