"""Checks a second against a local server, beside a bare aiohttp loop that makes the same requests.

Ours: the check loop with the real store and the real Google adapter; each check asks free/busy and the add calendar's
role, is judged, and its times are saved. Raw: as many tasks as the loop has workers send the same two requests, built
beforehand, and read the answers. Both against one process that answers from memory, with access tokens at hand.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from calguard_server.engine.checks import Checks
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.locks import KeyedLocks
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.google.options import GoogleOptions
from calguard_server.google.pacer import Quotas
from calguard_server.google.provider import GoogleCalendarProvider
from calguard_server.grpc_api.state_change import encode_change
from calguard_server.store.sqlite.opening import StoreOptions, open_store
from calguard_server.store.vault import Vault
from calguard_server.wiring.world import SystemClock, random_id
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions, CheckObserver
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from tests.bench import many_links
from tests.bench.local_google import CALENDAR

CHECKS = 10_000
CONCURRENCY = 32
ROUNDS = 3
_SECONDS = 120
_FREE_BUSY = {
    "timeMin": "2026-01-01T00:00:00+00:00",
    "timeMax": "2026-01-02T00:00:00+00:00",
    "items": [{"id": CALENDAR}],
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Checks a second, ours and raw, of each round; the processor time of one, in microseconds."""

    links: int
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)
    raw_cost: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of ours by the median of raw."""
        return statistics.median(self.ours) / statistics.median(self.raw)


async def measure(links: int) -> Measured:
    """Measure ours, with so many links in the database, and raw in turn."""
    measured, key = Measured(links), Secret(Fernet.generate_key().decode())
    policy = SchedulePolicy(check_interval=timedelta(days=1))
    with tempfile.TemporaryDirectory() as folder, local_google() as url:
        path = Path(folder) / "db"
        many_links.fill(path, key, links, datetime.now(UTC), policy)  # noqa: TID251 - a measurement runs in real time
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            provider = GoogleCalendarProvider(session, _options(url), SystemClock())
            await _ours(path, key, policy, provider)  # gets the access tokens
            for _ in range(ROUNDS):
                rate, cost = await _ours(path, key, policy, provider)
                measured.ours.append(rate)
                measured.cost.append(cost)
                rate, cost = await _raw(session, url)
                measured.raw.append(rate)
                measured.raw_cost.append(cost)
    return measured


async def _ours(
    path: Path, key: Secret, policy: SchedulePolicy, provider: GoogleCalendarProvider
) -> tuple[float, float]:
    many_links.make_due(path, CHECKS)
    done = asyncio.Event()
    counted = 0

    def observe(reason: str, _seconds: float) -> None:
        nonlocal counted
        assert reason == "HEALTHY", reason
        counted += 1
        if counted == CHECKS:
            done.set()

    async with _loop(path, key, policy, provider, observe) as loop:
        begun, cpu = time.perf_counter(), time.process_time()
        task = asyncio.create_task(loop.run())
        async with asyncio.timeout(_SECONDS):
            await done.wait()
        seconds, cost = time.perf_counter() - begun, time.process_time() - cpu
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return CHECKS / seconds, cost / CHECKS * 1e6


@asynccontextmanager
async def _loop(
    path: Path,
    key: Secret,
    policy: SchedulePolicy,
    provider: GoogleCalendarProvider,
    observe: CheckObserver,
) -> AsyncIterator[CheckLoop]:
    clock = SystemClock()
    store = await open_store(StoreOptions(path, Vault([key]), encode_change, clock, random_id))
    try:
        context = Context(store, clock, random_id, lambda: 0.5, Policies(schedule=policy))
        alerts = OperatorAlerts(context, frozenset())
        checks = Checks(context, provider, KeyedLocks(), alerts, ProviderIncidents(context, alerts))
        pace = CheckPace(store, PaceOptions(policy.check_interval, least_per_second=1e6), failing=False)
        yield CheckLoop(store, checks, clock, pace, CheckLoopOptions(concurrency=CONCURRENCY), observe)
    finally:
        await store.close()


async def _raw(session: aiohttp.ClientSession, url: str) -> tuple[float, float]:
    headers = {"authorization": "Bearer ya29." + "x" * 200, "content-type": "application/json"}
    body = json.dumps(_FREE_BUSY)
    left = iter(range(CHECKS))

    async def work() -> None:
        for _ in left:
            async with session.post(f"{url}calendar/v3/freeBusy", headers=headers, data=body) as answer:
                await answer.read()
            path = f"{url}calendar/v3/users/me/calendarList/{CALENDAR}"
            async with session.get(path, headers=headers) as answer:
                await answer.read()

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    return CHECKS / (time.perf_counter() - begun), (time.process_time() - cpu) / CHECKS * 1e6


def _options(url: str) -> GoogleOptions:
    return GoogleOptions(
        client_id="bench",
        client_secret=Secret("bench"),
        redirect_uri="",
        token_uri=f"{url}token",
        api_endpoint=f"{url}calendar/v3/",
        quotas=Quotas(per_project=10_000_000, per_user=10_000_000),
    )


@contextmanager
def local_google(*arguments: str) -> Iterator[str]:
    """Run the local Google in a process of its own; its address."""
    command = [sys.executable, "-m", "tests.bench.local_google", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.terminate()
        process.wait()
