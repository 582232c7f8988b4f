"""Watches that bring nothing: how soon they are open, what they hold of the server's memory, and what they cost."""

import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.bench import our_work
from tests.bench.contestants import OURS, Contestant, contestants
from tests.bench.native_drain import held
from tests.bench.page import Target, targets_table
from tests.bench.servers import Server
from tests.bench.watch_rates import CONNECTIONS

_ROUNDS = 3
_WATCHES = 1_000
_WARM_UP = CONNECTIONS
_MEMORY_TARGET = 25 * 1024
_OPENED_TARGET = 0.3
_SOAK_WATCHES = 5_000
_SOAK_CONNECTIONS = 50
_SOAK_STEP_SECONDS = 15
_SOAK_CORES = 0.05
_SOAK_GROWTH = 0.01

_HEAD = f"""## Idle watches

A server that has just been started has {_WARM_UP} watches opened and closed. Then {_WATCHES:,} are opened at once, over
{CONNECTIONS} connections: the time until each has had its first message, and by how much the server's resident memory
has grown. The median of {_ROUNDS} rounds in turn.

| server | {_WATCHES:,} opened in | opened/s | memory a watch |
|---|---|---|---|
"""

_SOAK_HEAD = f"""## {_SOAK_WATCHES:,} idle watches

{_SOAK_WATCHES:,} watches over {_SOAK_CONNECTIONS} connections, {{minutes}} minutes without a change: each is told of
progress every 15 s. Memory is what our server holds (resident).

| opened in | memory after {{first:g}} min | after {{minutes}} min | cores used between |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Opened:
    """Seconds until all were open, and bytes of memory for each, of each round."""

    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def section() -> Iterator[str]:
    """Measure how watches are opened; the section piece by piece."""
    yield _HEAD
    opened: dict[str, Opened] = {}
    for _ in range(_ROUNDS):
        with contestants(bursts=0) as running:
            for each in running:
                _open(each, opened.setdefault(each.name, Opened()))
    for name, rounds in opened.items():
        seconds, memory = median(rounds.seconds), median(rounds.memory)
        yield f"| {name} | {seconds * 1e3:.0f} ms | {_WATCHES / seconds:,.0f} | {memory / 1024:.1f} KiB |\n"
    yield "\n" + targets_table(_targets(opened[OURS]))


def _open(contestant: Contestant, opened: Opened) -> None:
    with held(contestant.server, contestant.watch.of(_WARM_UP, CONNECTIONS)):
        pass
    before = contestant.server.resident
    with held(contestant.server, contestant.watch.of(_WATCHES, CONNECTIONS)) as result:
        opened.seconds.append(result.opened_seconds)
        opened.memory.append((contestant.server.resident - before) / _WATCHES)


def _targets(ours: Opened) -> Iterator[Target]:
    memory, seconds = median(ours.memory), median(ours.seconds)
    wanted = f"<= {_MEMORY_TARGET / 1024:.0f} KiB"
    yield Target("memory a watch", wanted, f"{memory / 1024:.1f} KiB", memory <= _MEMORY_TARGET)
    wanted = f"<= {_OPENED_TARGET * 1e3:.0f} ms"
    yield Target(f"{_WATCHES:,} opened", wanted, f"{seconds * 1e3:.0f} ms", seconds <= _OPENED_TARGET)


def soak(minutes: int) -> Iterator[str]:
    """Hold many watches for so long; tells on standard error how it goes."""
    first = minutes / 10
    yield _SOAK_HEAD.format(minutes=minutes, first=first)
    with tempfile.TemporaryDirectory() as folder, our_work.calguard_with_pages(Path(folder) / "db", bursts=0) as server:
        watch = our_work.watch().of(_SOAK_WATCHES, _SOAK_CONNECTIONS)
        with held(server, watch, minutes * 60 + 60) as result:
            begun = time.monotonic()
            _watch_over(server, begun, first * 60)
            memory, cpu = server.resident, server.cpu_seconds
            _watch_over(server, begun, minutes * 60)
            grown, cores = server.resident, (server.cpu_seconds - cpu) / ((minutes - first) * 60)
    sizes = " | ".join(f"{each / 2**20:.1f} MiB" for each in (memory, grown))
    yield f"| {result.opened_seconds:.2f} s | {sizes} | {cores:.3f} |\n"
    growth = grown / memory - 1
    yield "\n" + targets_table(
        (
            Target("growth of memory", "none (<= 1 %)", f"{growth:.1%}", growth <= _SOAK_GROWTH),
            Target("cores", f"< {_SOAK_CORES}", f"{cores:.3f}", cores < _SOAK_CORES),
        )
    )


def _watch_over(server: Server, begun: float, until: float) -> None:
    """Wait until so many seconds after the beginning, and tell at each step how it goes."""
    used, at = server.cpu_seconds, time.monotonic()
    while (left := begun + until - time.monotonic()) > 0:
        time.sleep(min(left, _SOAK_STEP_SECONDS))  # noqa: TID251 - a measurement runs in real time
        now, cpu = time.monotonic(), server.cpu_seconds
        sys.stderr.write(
            f"{now - begun:4.0f} s: {server.resident / 2**20:.1f} MiB, {(cpu - used) / (now - at):.3f} cores\n"
        )
        used, at = cpu, now
