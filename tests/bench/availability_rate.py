"""QueryAvailability over gRPC, beside the free/busy calls that it takes: as many of them at once over bare aiohttp."""

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import grpc.aio
import uvloop

from calguard.v1 import appointment_pb2, appointment_pb2_grpc
from tests.bench import assignment_rate
from tests.bench.booking_server import MEMBERS, add_page, at_local_google, booking_server
from tests.bench.check_rate import local_google
from tests.bench.local_google import CALENDAR, FIRST_DAY
from tests.bench.servers import Server

WEEKS = timedelta(weeks=4)
STRETCHES = 120
QUERIES = 200
ROUNDS = 3
_WARM_UP = 20
_MODES = ("ALL_MEMBERS", "ANY_MEMBER")
_CACHES = {"asks Google": "0s", "from the cache": "60s"}
_BARE = "bare calls"

_HEAD = f"""## When a page can be booked

QueryAvailability of a page with {MEMBERS} members over {WEEKS.days // 7} weeks, half an hour, asked by gRPC one after
the other; each member has one check calendar with {STRETCHES} meetings, and a local server stands for Google. A query
asks Google about every member (`AVAILABILITY_CACHE` is off), or about none (all is kept). Bare: a process that sends
the same {MEMBERS} free/busy calls at once over aiohttp, and reads the answers as bytes. The cost is the processor time
of the process that asks, for one query. The median of {ROUNDS} rounds in turn, of {QUERIES} queries each.

| | p50 | p99 | cost | answer | p50 by bare | p99 by bare | cost by bare |
|---|---|---|---|---|---|---|---|
"""

_FOOT = """
By a profile, about half of ALL_MEMBERS that asks Google is aiohttp, which the bare calls pay too, and reading the
answers; the rest is spread thin over pacing, tasks, the store and gRPC. ANY_MEMBER has some two thousand stretches with
12,000 names to find and to encode besides: a quarter of one that asks nobody is the finding, and a half the encoding,
which protobuf's messages take whichever way they are filled.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of each round the seconds that each query took, sorted, and the processor seconds of one; an answer's bytes."""

    seconds: list[list[float]] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The median of the rounds' quantiles."""
        return statistics.median(each[int(share * (len(each) - 1))] for each in self.seconds)

    @property
    def figures(self) -> tuple[float, float, float]:
        """The p50, the p99 and the cost, in seconds."""
        return self.quantile(0.5), self.quantile(0.99), statistics.median(self.costs)


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    measured = uvloop.run(_measure())
    bare = measured[_BARE].figures
    for name, each in measured.items():
        times = " | ".join(f"{value * 1e3:.1f} ms" for value in each.figures)
        ratios = " | ".join(f"{ours / theirs:.1f}" for ours, theirs in zip(each.figures, bare, strict=True))
        yield f"| {name} | {times} | {each.sizes[0]} | {ratios} |\n"
    yield _FOOT
    yield from assignment_rate.section()


async def _measure() -> dict[str, Measured]:
    """Measure the bare calls, and each mode with each cache, in turn."""
    with ExitStack() as running:
        url = running.enter_context(local_google(str(STRETCHES)))
        servers = {
            name: running.enter_context(booking_server(at_local_google(url), cache))[0]
            for name, cache in _CACHES.items()
        }
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
            rounds = {_BARE: partial(_round, lambda: _bare(session, url), time.process_time)}
            for name, server in servers.items():
                channel = await stack.enter_async_context(grpc.aio.insecure_channel(server.address))
                for mode in _MODES:
                    await add_page(channel, mode)
                    rounds[f"{mode}, {name}"] = partial(_round, partial(_query, channel, mode), partial(_cpu, server))
            measured = {name: Measured() for name in rounds}
            for _ in range(ROUNDS):
                for name, measure in rounds.items():
                    await measure(measured[name])
            return measured


def _cpu(server: Server) -> float:
    return server.cpu_seconds


async def _round(ask: Callable[[], Awaitable[int]], cpu: Callable[[], float], measured: Measured) -> None:
    for _ in range(_WARM_UP):
        size = await ask()
    taken = []
    used = cpu()
    for _ in range(QUERIES):
        begun = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - begun)
    measured.costs.append((cpu() - used) / QUERIES)
    measured.seconds.append(sorted(taken))
    measured.sizes.append(f"{size / 1024:.0f} KiB")


async def _bare(session: aiohttp.ClientSession, url: str) -> int:
    """Send the calls of one query; how many bytes were answered."""
    headers = {"authorization": "Bearer ya29." + "x" * 200, "content-type": "application/json"}
    end = FIRST_DAY + WEEKS
    body = json.dumps(
        {"timeMin": FIRST_DAY.isoformat(), "timeMax": end.isoformat(), "items": [{"id": CALENDAR}]}
    ).encode()

    async def call() -> int:
        async with session.post(f"{url}calendar/v3/freeBusy", headers=headers, data=body) as answer:
            return len(await answer.read())

    return sum(await asyncio.gather(*(call() for _ in range(MEMBERS))))


async def _query(channel: grpc.aio.Channel, page_id: str) -> int:
    request = appointment_pb2.QueryAvailabilityRequest(booking_page_id=page_id)
    request.start_time.FromDatetime(FIRST_DAY)
    request.end_time.FromDatetime(FIRST_DAY + WEEKS)
    request.duration.FromTimedelta(timedelta(minutes=30))
    stub: Any = appointment_pb2_grpc.AppointmentServiceStub(channel)
    answer = await stub.QueryAvailability(request)
    assert answer.free
    assert not answer.unknown_account_ids
    return int(answer.ByteSize())
