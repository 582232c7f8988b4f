"""The drain: a small native program (folder `drain`) that opens streams, makes calls, and measures both by one clock.

A Python client takes 20 to 50 us for each message and so would be what is measured. The program is built by Go.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from tests.bench.servers import Server

SOURCE = Path(__file__).parent / "drain"
_BUILT = Path(__file__).parent.parent.parent / ".bench" / "drain"
_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Request:
    """A unary call; `changes` is how many changes it brings to each stream, `key` what each of them holds."""

    method: str
    body: bytes
    key: str = ""
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """Streams to open; `field` is the repeated field of a response whose elements are counted."""

    method: str
    request: bytes
    field: int
    key_prefix: str
    streams: int = 1
    connections: int = 1
    half_close: bool = True
    hold: bool = False

    def of(self, streams: int, connections: int) -> "Watch":
        """The same for so many streams."""
        return replace(self, streams=streams, connections=min(streams, connections))


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls to make: `in_flight` workers share the requests; they end after `count` or `seconds`, where not 0.

    The requests are series of so many; a series that was begun is made to its end, by one worker. Where they are
    `refusable`, UNAVAILABLE is counted and no failure.
    """

    requests: Sequence[Request]
    in_flight: int
    connections: int = 4
    series: int = 1
    count: int = 0
    seconds: float = 0
    interval_seconds: float = 0
    refusable: bool = False


@dataclass(frozen=True, slots=True)
class Quantiles:
    """In seconds."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Element:
    """When the call was sent that brought a change, when half of the streams had it, and when all: ns since 1970."""

    key: str
    sent_at: int
    half_at: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Result:
    """What the drain measured: see result.go. `changes` are those of each stream, `messages` those of all."""

    opened_seconds: float
    calls: int
    answered_seconds: float
    call_latency: Quantiles
    changes: int
    delivered_seconds: float
    first_seconds: float
    watch_latency: Quantiles
    last_latency: Quantiles
    messages: int
    bytes: int
    server_cpu_seconds: float
    drain_cpu_seconds: float
    refused: int = 0
    elements: Sequence[Element] = ()


class DrainError(Exception):
    """The drain could not measure; the text is what it complained of."""


@cache
def build() -> Path:
    """Test and build the program. Raises CalledProcessError."""
    for command in ("vet ./...", "test ./...", f"build -o {_BUILT} ."):
        subprocess.run(["go", *command.split()], cwd=SOURCE, check=True, capture_output=True)
    return _BUILT


def missing() -> str:
    """What the drain needs and is not there; empty where nothing is."""
    return "" if shutil.which("go") else "Its client is a Go program, and Go is not installed."


def drain(server: Server, watch: Watch | None, calls: Calls | None) -> Result:
    """Measure. Raises DrainError."""
    job = _job(server, watch, calls, _TIMEOUT_SECONDS)
    done = subprocess.run([build()], input=job, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DrainError(done.stderr.strip())
    return _result(done.stdout)


@contextmanager
def held(server: Server, watch: Watch, seconds: float = _TIMEOUT_SECONDS) -> Iterator[Result]:
    """Open streams and hold them while the block runs, at most for so long. Raises DrainError."""
    process = subprocess.Popen(
        [build()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        process.stdin.write(_job(server, replace(watch, hold=True), None, seconds))
        process.stdin.flush()
        if not (opened := process.stdout.readline()):
            raise DrainError(process.stderr.read().strip())
        yield _result(opened)
        process.stdin.write("\n")
        process.stdin.flush()
        if not process.stdout.readline():
            raise DrainError(process.stderr.read().strip())
    finally:
        process.kill()
        process.communicate()


def _job(server: Server, watch: Watch | None, calls: Calls | None, seconds: float) -> str:
    job = {
        "address": server.address,
        "pids": [server.pid],
        "timeout_seconds": seconds,
        "watch": asdict(watch) if watch else None,
        "calls": asdict(calls) if calls else None,
    }
    return json.dumps(job, default=_encode) + "\n"


def _encode(value: object) -> str:
    assert isinstance(value, bytes)
    return base64.b64encode(value).decode()


def _result(line: str) -> Result:
    read: dict[str, Any] = json.loads(line)
    quantiles = {name: Quantiles(**value) for name, value in read.items() if isinstance(value, dict)}
    elements = [Element(**each) for each in read.pop("elements") or ()]
    return Result(**(read | quantiles), elements=elements)
