"""From Google's answer that fails a link until everybody is told: Slack's request, and 1,000 watchers."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import uvloop
from cryptography.fernet import Fernet

from calguard.v1 import calendar_link_pb2 as link_pb
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.domain.secret import Secret
from tests.bench import many_links, our_work, servers
from tests.bench.contestants import BARE, Contestant, contestants
from tests.bench.native_drain import Calls, Request, Result, drain
from tests.bench.page import Target, targets_table
from tests.bench.servers import Server

_WATCHERS = 1_000
_CONNECTIONS = 10
_ROUNDS = 3
_FAILURES = 200
_WARM_UP = 20
_SPACING_SECONDS = 0.15
_LINKS = range(1_000, 1_000 + _ROUNDS * _FAILURES)
"""Names of one length."""
_TARGET = 0.150
_SECONDS = 30
_CHECK = "/calguard.v1.CalendarLinkService/CheckCalendarLink"

_HEAD = f"""## A failure, told

A check meets that Google has voided a grant, and asks once more, at once; what is measured begins when Google's second
answer, which decides, is written. It ends when Slack's request has arrived, and when the last of {_WATCHERS:,} watchers
(over {_CONNECTIONS} connections) has the two changes: the link's, and that of the page that it stops. NOTICE_GROUP_WAIT
is 0. One failure each {_SPACING_SECONDS * 1e3:.0f} ms, {_ROUNDS} rounds of {_FAILURES}, of which the first {_WARM_UP}
do not count; each of a link, an account and a Slack channel of its own. Every second account is known to Slack by its
e-mail address alone, and is looked up first, by two requests. Bare: a loop of aiohttp that reads Google's answer and
posts to Slack; a grpc.aio server that writes a change to {_WATCHERS:,} streams, from the call's sending.

| what | server | p50 | p99 | most |
|---|---|---|---|---|
"""


@dataclass(slots=True)
class Waits:
    """Seconds from Google's answer on. `both`: until watchers and Slack are told."""

    posted: list[float] = field(default_factory=list)
    posted_after_look_up: list[float] = field(default_factory=list)
    half: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)
    bare_posted: list[float] = field(default_factory=list)
    bare_last: list[float] = field(default_factory=list)


def section() -> Iterator[str]:
    """Measure; the section piece by piece."""
    yield _HEAD
    waits = Waits()
    with contestants(bursts=0) as running, _ours() as (server, url):
        bare = next(each for each in running if each.name == BARE)
        for number in range(_ROUNDS):
            numbers = _LINKS[number * _FAILURES : (number + 1) * _FAILURES]
            _take(waits, numbers, drain(server, _watch(), _failures(numbers)), uvloop.run(_instants(url, numbers)))
            waits.bare_posted += uvloop.run(_bare_chain(url, number))
            waits.bare_last += _bare_fan_out(bare)
    rows = (
        ("Slack's request, channel known", "ours", waits.posted),
        ("Slack's request, person looked up", "ours", waits.posted_after_look_up),
        ("Slack's request", "bare aiohttp", waits.bare_posted),
        (f"half of {_WATCHERS:,} watchers", "ours", waits.half),
        (f"the last of {_WATCHERS:,} watchers", "ours", waits.last),
        (f"the last of {_WATCHERS:,} watchers", BARE, waits.bare_last),
        ("both: Slack's request and the last watcher", "ours", waits.both),
    )
    yield from (_row(*row) for row in rows)
    p99 = _quantile(waits.both, 0.99)
    wanted = f"<= {_TARGET * 1e3:.0f} ms"
    yield "\n" + targets_table([Target("watchers and Slack told, p99", wanted, f"{p99 * 1e3:.0f} ms", p99 <= _TARGET)])


def _take(waits: Waits, numbers: Sequence[int], told: Result, instants: Mapping[str, Mapping[str, int]]) -> None:
    half, last = dict[str, int](), dict[str, int]()
    for element in told.elements:
        key = element.key.removeprefix("link-")
        half[key], last[key] = max(half.get(key, 0), element.half_at), max(last.get(key, 0), element.last_at)
    for key in map(str, numbers[_WARM_UP:]):
        answered, posted = instants["answered"][key], instants["posted"][key]
        (waits.posted if _has_channel(int(key)) else waits.posted_after_look_up).append((posted - answered) / 1e9)
        waits.half.append((half[key] - answered) / 1e9)
        waits.last.append((last[key] - answered) / 1e9)
        waits.both.append((max(posted, last[key]) - answered) / 1e9)


def _has_channel(number: int) -> bool:
    return number % 2 == 0


def _watch() -> our_work.Watch:
    return our_work.watch("link-").of(_WATCHERS, _CONNECTIONS)


def _failures(numbers: Sequence[int]) -> Calls:
    """A check of each link: it fails, and so its page stops."""
    bodies = {number: link_pb.CheckCalendarLinkRequest(id=f"link-{number}") for number in numbers}
    requests = [Request(_CHECK, body.SerializeToString(), f"link-{each}", 2) for each, body in bodies.items()]
    return Calls(requests, 1, connections=1, count=len(requests), interval_seconds=_SPACING_SECONDS)


def _bare_fan_out(bare: Contestant) -> list[float]:
    """As long as the last of all streams waited for each change, from its call's sending."""
    calls = Calls(bare.changes, 1, connections=1, count=_FAILURES, interval_seconds=_SPACING_SECONDS)
    told = drain(bare.server, bare.watch.of(_WATCHERS, _CONNECTIONS), calls)
    return [(element.last_at - element.sent_at) / 1e9 for element in told.elements[_WARM_UP:]]


async def _bare_chain(url: str, round_number: int) -> list[float]:
    """Read Google's answer, and post to Slack: with nothing in between."""
    numbers = [str(5_000 + round_number * _FAILURES + each) for each in range(_FAILURES)]
    async with aiohttp.ClientSession() as session:
        for number in numbers:
            async with session.post(f"{url}token", data={"refresh_token": f"1//link-{number}"}) as answer:
                await answer.json()
            async with session.post(
                f"{url}api/chat.postMessage", json={"channel": f"C{number}", "text": "x"}
            ) as posted:
                await posted.json()
            await asyncio.sleep(_SPACING_SECONDS / 10)  # noqa: TID251 - a measurement runs in real time
    instants = await _instants(url, numbers)
    return [(instants["posted"][each] - instants["answered"][each]) / 1e9 for each in numbers[_WARM_UP:]]


async def _instants(url: str, numbers: Sequence[int] | Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """Ask the far ends when they answered, and when they were posted to, once everybody was told."""
    async with asyncio.timeout(_SECONDS), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{url}instants") as answer:
                told: Mapping[str, Mapping[str, int]] = await answer.json()
            if told["posted"].keys() >= set(map(str, numbers)):
                return told
            await asyncio.sleep(_SPACING_SECONDS)  # noqa: TID251 - a measurement runs in real time


@contextmanager
def _ours() -> Iterator[tuple[Server, str]]:
    """Run our server before the far ends; and their address."""
    key, now = Fernet.generate_key().decode(), datetime.now(UTC)  # noqa: TID251 - a measurement runs in real time
    with tempfile.TemporaryDirectory() as folder, _far_ends() as url:
        path = Path(folder) / "db"
        many_links.fill(path, Secret(key), _LINKS.stop, now, SchedulePolicy(check_interval=timedelta(days=1)))
        many_links.tell_apart(path, Secret(key), _LINKS, list(filter(_has_channel, _LINKS)), now)
        settings = {
            "LISTEN": "127.0.0.1:0",
            "HTTP_LISTEN": "127.0.0.1:0",
            "DATABASE_URL": f"sqlite:///{path}",
            "TOKEN_KEYS": key,
            "CHECK_INTERVAL": "1d",
            "WATCH_STREAMS_PER_CALLER": "10000",  # all streams come from one address here
            "GOOGLE_CLIENT_ID": "bench",
            "GOOGLE_CLIENT_SECRET": "bench",
            "GOOGLE_TOKEN_URI": f"{url}token",
            "GOOGLE_API_ENDPOINT": f"{url}calendar/v3/",
            "SLACK_BASE_URL": f"{url}api/",
            "SLACK_BOT_TOKEN": "xoxb-bench",
            "NOTICE_GROUP_WAIT": "0s",
            "INCIDENT_ACCOUNTS": "1000000",  # so many failures would be held as an incident
        }
        with servers.calguard(settings) as server:
            yield server, url


@contextmanager
def _far_ends() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.far_ends"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
    finally:
        process.terminate()
        process.wait()


def _row(what: str, server: str, seconds: Sequence[float]) -> str:
    figures = (_quantile(seconds, 0.5), _quantile(seconds, 0.99), max(seconds))
    return f"| {what} | {server} | {' | '.join(f'{each * 1e3:.1f} ms' for each in figures)} |\n"


def _quantile(seconds: Sequence[float], share: float) -> float:
    return sorted(seconds)[min(int(share * len(seconds)), len(seconds) - 1)]
