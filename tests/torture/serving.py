"""A server on a fast clock, killed at random, in front of a sandbox: what every torture by kills begins with."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from calguard_sandbox import Sandbox
from tests.crash.battered import BatteredServer
from tests.e2e.backend import settings_for
from tests.torture.fast_clock import FastClock
from tests.torture.fast_server import command

_LATE = 0.05


def tortured_server(
    sandbox: Sandbox,
    database: Path,
    clock: FastClock,
    chance: random.Random,
    gap: tuple[int, int],
    settings: Mapping[str, str],
) -> BatteredServer:
    """Answer a server that is killed between so many observations, once it serves and is armed."""
    environment = {
        f"CALGUARD_{name.upper()}": value for name, value in (settings_for(sandbox, database) | settings).items()
    }
    return BatteredServer(
        environment, database, chance.getrandbits(32), gap, command=command(clock), late=_LATE, now=clock.now
    )


@asynccontextmanager
async def serving(server: BatteredServer, sandbox: Sandbox, *others: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Serve until the end, and do what else goes on meanwhile; a part of it that fails makes all fail."""
    try:
        async with asyncio.TaskGroup() as group:
            requests = (server.follow(each) for each in (sandbox.google_requests, sandbox.slack_requests))
            tasks = [group.create_task(each) for each in (server.serve(), *others, *requests)]
            await server.current()
            yield
            for task in tasks:
                task.cancel()
    finally:
        await server.end()


async def drained(database: Path, clock: FastClock, waiting: Sequence[str], seconds: float) -> None:
    """Return once nothing is left to be done, as some counts of rows say; at most so many real seconds from now."""
    with closing(sqlite3.connect(database)) as connection:
        async with asyncio.timeout(seconds):
            while any(connection.execute(count).fetchone()[0] for count in waiting):
                await clock.sleep(timedelta(seconds=1))
