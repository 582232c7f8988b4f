"""A whole server as a process of its own, as `calguard-server` is, on a clock that runs fast.

Retries, and what receivers ask to wait, then take a tenth of their time, and no setting has to exist for tests alone.
"""

import asyncio
import random
import sys
from datetime import datetime

import uvloop

from calguard_server.app import App
from calguard_server.settings.server import Settings, read_settings
from calguard_server.telemetry.logs import configure_logging
from calguard_server.wiring.garbage_collector import tune_garbage_collector
from calguard_server.wiring.world import World, random_id
from tests.torture.fast_clock import FastClock


def command(clock: FastClock) -> tuple[str, ...]:
    """How to start one."""
    return (sys.executable, "-m", "tests.torture.fast_server", clock.since.isoformat(), str(clock.speed))


async def _serve(settings: Settings, clock: FastClock) -> None:
    app = await App.start(settings, World(clock, random_id, random.SystemRandom().random))
    raise await asyncio.shield(app.failed)


if __name__ == "__main__":
    read = read_settings()
    configure_logging(read.log_level, as_json=read.log_format == "json", additions=[])
    tune_garbage_collector()
    uvloop.run(_serve(read, FastClock(datetime.fromisoformat(sys.argv[1]), int(sys.argv[2]))))
