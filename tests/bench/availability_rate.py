"""QueryAvailability over gRPC, beside the free/busy calls that it takes: as many of them at once over bare aiohttp.

Nothing is kept of calendars here: each query asks the local Google about every member.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import grpc.aio
import uvloop
from cryptography.fernet import Fernet

from calguard.v1 import appointment_pb2, appointment_pb2_grpc, booking_page_pb2, booking_page_pb2_grpc
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import many_links
from tests.bench.check_rate import local_google
from tests.bench.local_google import CALENDAR, FIRST_DAY
from tests.bench.servers import Server, calguard

MEMBERS = 20
WEEKS = timedelta(weeks=4)
STRETCHES = 120
QUERIES = 200
ROUNDS = 3
_WARM_UP = 20
_MODES = {
    "ALL_MEMBERS": booking_page_pb2.SCHEDULING_MODE_ALL_MEMBERS,
    "ANY_MEMBER": booking_page_pb2.SCHEDULING_MODE_ANY_MEMBER,
}
_RAW = "bare calls"

_HEAD = f"""## When a page can be booked

QueryAvailability of a page with {MEMBERS} members over {WEEKS.days // 7} weeks, half an hour, asked by gRPC one after
the other: each member has one check calendar with {STRETCHES} busy stretches, `AVAILABILITY_CACHE` is off, and a local
server stands for Google. Bare: a process that sends the same {MEMBERS} free/busy calls at once over aiohttp, and reads
the answers as bytes. The cost is the processor time of the process that asks Google, for one query. The median of
{ROUNDS} rounds in turn, of {QUERIES} queries each.

| | p50 | p99 | cost | answer |
|---|---|---|---|---|
"""

_FOOT = """
By a profile, the time of ALL_MEMBERS is spread thin: aiohttp, which the bare calls pay too; reading each answer twice,
to judge it and to take the stretches out; putting them together; and reading and decrypting 20 grants. ANY_MEMBER has
some two thousand stretches to find and to encode besides, which is more than half of its time.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Of each round the seconds that each query took, sorted, and the processor seconds of one; an answer's bytes."""

    seconds: list[list[float]] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The median of the rounds' quantiles."""
        return statistics.median(each[int(share * (len(each) - 1))] for each in self.seconds)


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    measured = uvloop.run(measure())
    for name, each in measured.items():
        times = " | ".join(f"{each.quantile(share) * 1e3:.1f} ms" for share in (0.5, 0.99))
        yield f"| {name} | {times} | {statistics.median(each.cost) * 1e3:.1f} ms | {each.sizes[0]} |\n"
    bare = measured[_RAW]
    for name in _MODES:
        more, cost = (
            measured[name].quantile(0.5) / bare.quantile(0.5),
            statistics.median(measured[name].cost) / statistics.median(bare.cost),
        )
        yield f"\n{name} takes {more:.1f} times as long as the bare calls at p50, and {cost:.1f} times the processor.\n"
    yield _FOOT


async def measure() -> dict[str, Measured]:
    """Measure the bare calls and each mode in turn."""
    key = Fernet.generate_key().decode()
    now = datetime.now(UTC)  # noqa: TID251 - a measurement runs in real time
    with tempfile.TemporaryDirectory() as folder, local_google(str(STRETCHES)) as url:
        path = Path(folder) / "db"
        many_links.fill(path, Secret(key), MEMBERS, now, SchedulePolicy(check_interval=timedelta(days=1)))
        with calguard(_settings(path, key, url)) as server:
            return await _in_turn(server, url)


async def _in_turn(server: Server, url: str) -> dict[str, Measured]:
    measured = {name: Measured() for name in (_RAW, *_MODES)}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        grpc.aio.insecure_channel(server.address) as channel,
    ):
        asks: dict[str, Callable[[], Awaitable[int]]] = {_RAW: lambda: _raw(session, url)}
        for name in _MODES:
            await _add_page(channel, name)
            asks[name] = lambda name=name: _query(channel, name)  # type: ignore[misc]  # mypy knows no type of it
        for _ in range(ROUNDS):
            for name, ask in asks.items():
                cpu = time.process_time if name == _RAW else lambda: server.cpu_seconds
                await _round(measured[name], ask, cpu)
    return measured


async def _round(measured: Measured, ask: Callable[[], Awaitable[int]], cpu: Callable[[], float]) -> None:
    for _ in range(_WARM_UP):
        size = await ask()
    taken = []
    used = cpu()
    for _ in range(QUERIES):
        begun = time.perf_counter()
        await ask()
        taken.append(time.perf_counter() - begun)
    measured.cost.append((cpu() - used) / QUERIES)
    measured.seconds.append(sorted(taken))
    measured.sizes.append(f"{size / 1024:.0f} KiB")


async def _raw(session: aiohttp.ClientSession, url: str) -> int:
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


async def _add_page(channel: grpc.aio.Channel, name: str) -> None:
    page = booking_page_pb2.BookingPage(
        id=name,
        owner_account_id="account-0",
        title=name,
        scheduling_mode=_MODES[name],
        members=[booking_page_pb2.BookingPageMember(account_id=f"account-{number}") for number in range(MEMBERS)],
    )
    stub: Any = booking_page_pb2_grpc.BookingPageServiceStub(channel)
    await stub.CreateBookingPage(booking_page_pb2.CreateBookingPageRequest(booking_page=page))


def _settings(path: Path, key: str, url: str) -> dict[str, str]:
    return {
        "LISTEN": "127.0.0.1:0",
        "HTTP_LISTEN": "",
        "DATABASE_URL": f"sqlite:///{path}",
        "TOKEN_KEYS": key,
        "GOOGLE_CLIENT_ID": "bench",
        "GOOGLE_CLIENT_SECRET": "bench",
        "GOOGLE_REDIRECT_URI": "http://127.0.0.1:1/callback",
        "GOOGLE_TOKEN_URI": f"{url}token",
        "GOOGLE_API_ENDPOINT": f"{url}calendar/v3/",
        "GOOGLE_QUOTA": "10000000",
        "GOOGLE_USER_QUOTA": "10000000",
        "CHECK_INTERVAL": "1d",
        "AVAILABILITY_CACHE": "0s",
    }
