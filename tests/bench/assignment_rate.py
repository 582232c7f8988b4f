"""AssignAppointment over gRPC, beside a bare server that asks as many free/busy calls and writes one row."""

import asyncio
import itertools
import sqlite3
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import grpc.aio
import uvloop

from calguard.v1 import appointment_pb2, appointment_pb2_grpc
from tests.bench.bare_assigning import SERVICE
from tests.bench.booking_server import MEMBERS, add_page, booking_server
from tests.bench.check_rate import local_google
from tests.bench.servers import Server, bare_assigning

IN_FLIGHT = 64
ROUNDS = 3
_LENGTH = timedelta(minutes=30)
_SETTLE_SECONDS = 60

_HEAD = f"""
### Assigning

AssignAppointment, {IN_FLIGHT} calls in flight, each for another half an hour of a page with {MEMBERS} members. To one
who is named, the calendars of that one are asked; by turns (AUTO_ASSIGN, EVEN) and to all, those of {MEMBERS}. It is
answered when it is committed (SQLite, synchronous=FULL); that it is added to the calendars follows meanwhile, and takes
another call and two commits for each who has it. Bare: a grpc.aio server that makes as many free/busy calls at once
over aiohttp, and commits one row by itself. The cost is the server's processor time for one, all that follows
included. The median of {ROUNDS} rounds in turn.

| | calls of Google's first | assigned/s | p50 | p99 | cost |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Work:
    """What is measured: so many calls a round, each of which asks so many calendars first."""

    asked: int
    calls: int
    server: Server
    call: Callable[[], Awaitable[object]]
    settled: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Measured:
    """Of each round the calls a second, seconds that each took, sorted, and processor seconds of one."""

    rates: list[float] = field(default_factory=list)
    seconds: list[list[float]] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The median of the rounds' quantiles."""
        return statistics.median(each[int(share * (len(each) - 1))] for each in self.seconds)


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    for name, (work, each) in uvloop.run(_measure()).items():
        times = " | ".join(f"{each.quantile(share) * 1e3:.0f} ms" for share in (0.5, 0.99))
        cost = statistics.median(each.costs) * 1e3
        yield f"| {name} | {work.asked} | {statistics.median(each.rates):,.0f} | {times} | {cost:.1f} ms |\n"


async def _measure() -> dict[str, tuple[Work, Measured]]:
    with ExitStack() as running:
        url = running.enter_context(local_google())
        ours, path = running.enter_context(booking_server(url, "0s"))
        bare = running.enter_context(bare_assigning(url))
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(ours.address))
            bare_channel = await stack.enter_async_context(grpc.aio.insecure_channel(bare.address))
            works = dict([*_bare_works(bare, bare_channel), *(await _our_works(ours, path, channel))])
            measured = {name: (work, Measured()) for name, work in works.items()}
            for _ in range(ROUNDS):
                for work, each in measured.values():
                    await _round(work, each)
            return measured


def _bare_works(server: Server, channel: grpc.aio.Channel) -> Iterator[tuple[str, Work]]:
    call: Any = channel.unary_unary(f"/{SERVICE}/Assign")
    for asked, calls in ((1, 1000), (MEMBERS, 300)):
        name = f"bare, {asked} calls" if asked > 1 else "bare, 1 call"
        yield name, Work(asked, calls, server, partial(call, b"%d" % asked), lambda: True)


async def _our_works(server: Server, path: Path, channel: grpc.aio.Channel) -> list[tuple[str, Work]]:
    tomorrow = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)  # noqa: TID251 - real time
    times = (tomorrow + _LENGTH * number for number in itertools.count())
    database = sqlite3.connect(path, isolation_level=None)
    settled = partial(_nothing_due, database)
    works = []
    for mode, name, asked, calls in (
        ("ANY_MEMBER", "to one who is named", 1, 500),
        ("AUTO_ASSIGN", "to one in turn", MEMBERS, 300),
        ("ALL_MEMBERS", "to all", MEMBERS, 100),
    ):
        await add_page(channel, mode)
        accounts = itertools.cycle(f"account-{number}" for number in range(MEMBERS))
        named = accounts if asked == 1 else itertools.repeat("")
        call = partial(_assign, channel, mode, times, named)
        works.append((f"{mode}, {name}", Work(asked, calls, server, call, settled)))
    return works


async def _assign(channel: grpc.aio.Channel, page_id: str, times: Iterator[datetime], named: Iterator[str]) -> None:
    start = next(times)
    request = appointment_pb2.AssignAppointmentRequest(
        booking_page_id=page_id,
        title="Visit",
        account_id=next(named),
        request_id=str(uuid.uuid4()),  # noqa: TID251 - a measurement's own
    )
    request.start_time.FromDatetime(start)
    request.end_time.FromDatetime(start + _LENGTH)
    stub: Any = appointment_pb2_grpc.AppointmentServiceStub(channel)
    await stub.AssignAppointment(request)


def _nothing_due(database: sqlite3.Connection) -> bool:
    """Whether every entry is in its calendar."""
    return database.execute("SELECT 1 FROM entries WHERE next_attempt_time IS NOT NULL LIMIT 1").fetchone() is None


async def _round(work: Work, measured: Measured) -> None:
    left, taken = iter(range(work.calls)), []

    async def make() -> None:
        for _ in left:
            begun = time.perf_counter()
            await work.call()
            taken.append(time.perf_counter() - begun)

    used, begun = work.server.cpu_seconds, time.perf_counter()
    await asyncio.gather(*(make() for _ in range(IN_FLIGHT)))
    measured.rates.append(work.calls / (time.perf_counter() - begun))
    measured.seconds.append(sorted(taken))
    async with asyncio.timeout(_SETTLE_SECONDS):
        while not work.settled():  # noqa: ASYNC110 - it is in another process
            await asyncio.sleep(0.05)  # noqa: TID251 - a measurement runs in real time
    measured.costs.append((work.server.cpu_seconds - used) / work.calls)
