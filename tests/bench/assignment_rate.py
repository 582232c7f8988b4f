"""AssignAppointment over gRPC, beside a bare server that asks as many free/busy calls and writes one row."""

import asyncio
import itertools
import sqlite3
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import uvloop

from calguard.v1 import appointment_pb2, appointment_pb2_grpc
from tests.bench.bare_assigning import SERVICE
from tests.bench.booking_server import MEMBERS, add_page, booking_server
from tests.bench.sandbox_google import address
from tests.bench.servers import Server, bare_assigning, sandbox

IN_FLIGHT = 64
ROUNDS = 3
_LENGTH = timedelta(minutes=30)
_SETTLE_SECONDS = 60

_HEAD = f"""
### Assigning

AssignAppointment, {IN_FLIGHT} calls in flight, each for another half an hour of a page with {MEMBERS} members; the
sandbox is Google. To one who is named, the calendar of that one is asked; in turn (AUTO_ASSIGN, EVEN) and to all, those
of {MEMBERS}. It is answered when it is committed (SQLite, synchronous=FULL); that it is added to the calendars follows
meanwhile, and takes another call and two commits for each who has it. Bare: a grpc.aio server that makes as many
free/busy calls at once over aiohttp, and commits one row by itself. The cost is the server's processor time for one,
all that follows included. The median of {ROUNDS} rounds in turn.

| | assigned/s | p50 | p99 | cost | assigned/s by bare | cost by bare |
|---|---|---|---|---|---|---|
"""

_FOOT = f"""
By a profile, no part of ours stands out. Beside what bare does it reads the page with its {MEMBERS} members twice, the
second time in the transaction that decides, and the grants; and adds to calendars, which is two thirds of an assignment
to all. The sandbox has the other core: {2 * MEMBERS} calls for each assignment to all.
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

    @property
    def rate(self) -> float:
        """The median of the rounds' calls a second."""
        return statistics.median(self.rates)

    @property
    def cost(self) -> float:
        """The median of the rounds' costs."""
        return statistics.median(self.costs)

    def quantile(self, share: float) -> float:
        """The median of the rounds' quantiles."""
        return statistics.median(each[int(share * (len(each) - 1))] for each in self.seconds)


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    measured = uvloop.run(_measure())
    for name, (work, each) in measured.items():
        bare = next(
            other for beside, other in measured.values() if beside.asked == work.asked
        )  # the bare ones are first
        times = " | ".join(f"{each.quantile(share) * 1e3:.0f} ms" for share in (0.5, 0.99))
        ratios = f"{each.rate / bare.rate:.2f} | {each.cost / bare.cost:.1f}"
        yield f"| {name} | {each.rate:,.0f} | {times} | {each.cost * 1e3:.1f} ms | {ratios} |\n"
    yield _FOOT


async def _measure() -> dict[str, tuple[Work, Measured]]:
    with ExitStack() as running:
        google = running.enter_context(sandbox(MEMBERS))
        calendars = [address(number) for number in range(MEMBERS)]
        refresh, access = zip(*google["tokens"], strict=True)
        settings = {name.removeprefix("CALGUARD_"): value for name, value in google["environment"].items()}
        named = {name: value for name, value in settings.items() if name.startswith("GOOGLE_")}
        grants = dict(zip(calendars, refresh, strict=True))
        ours, path = running.enter_context(booking_server(named, "0s", grants))
        members = zip(calendars, access, strict=True)
        bare = running.enter_context(bare_assigning(named["GOOGLE_API_ENDPOINT"], members))
        async with AsyncExitStack() as stack:
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(ours.address))
            bare_channel = await stack.enter_async_context(grpc.aio.insecure_channel(bare.address))
            works = dict([*_bare_works(bare, bare_channel), *(await _our_works(ours, path, channel))])
            measured = {name: (work, Measured()) for name, work in works.items()}
            session = await stack.enter_async_context(aiohttp.ClientSession())
            for _ in range(ROUNDS):
                for work, each in measured.values():
                    await _round(work, each)
                    await _clear(session, google["control"], calendars)
            return measured


async def _clear(session: aiohttp.ClientSession, control: str, calendars: Iterable[str]) -> None:
    """Empty the calendars, so that the next does not find them fuller."""
    for each in calendars:
        async with session.put(f"{control}/google/calendars/{each}/busy", json={"busy": []}) as answer:
            assert answer.status < 300, await answer.text()


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
