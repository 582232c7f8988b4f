"""One run: calendars break and heal, receivers fail, the server is killed; then all is calm, and all is judged."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from calguard_sandbox import Sandbox, SandboxOptions
from tests.crash.battered import BatteredServer
from tests.simulation.database import Database
from tests.simulation.plain import seen
from tests.torture.fast_clock import FastClock
from tests.torture.notices_faults import NoticesWeather
from tests.torture.notices_load import MEMBERS, Load
from tests.torture.notices_oracle import Oracle
from tests.torture.received import Receivers
from tests.torture.replay import Replay
from tests.torture.serving import drained, serving, tortured_server
from tests.torture.tries import observe_claims, read_tries
from tests.torture.writers import keep

_SETTINGS = {
    "notice_group_wait": "2s",
    "check_interval": "60s",
    "incident_accounts": "1000",  # what fails alike is told, and not held
    "watch_retention": "30d",
}
_DRAIN_SECONDS = 300
_TOLD_EVERY = timedelta(minutes=3)
_WAITING = "SELECT COUNT(*) FROM deliveries WHERE next_attempt_time IS NOT NULL"


@dataclass(frozen=True)
class NoticesSize:
    """How often the server is killed, and between how many observations (calls, requests, messages)."""

    kills: int
    gap: tuple[int, int] = (5, 120)


async def torture_notices(folder: Path, seed: int, size: NoticesSize, tell: Callable[[str], None]) -> Counter[str]:
    """Play a run; answers what happened. Raises ComplaintError where somebody was not told as it is owed."""
    chance, clock, database = random.Random(seed), FastClock.beginning_now(), folder / "calguard.db"
    async with Sandbox(SandboxOptions(seed="torture"), now=clock.now) as sandbox:
        sandbox.slack.paced = True
        server = tortured_server(sandbox, database, clock, chance, size.gap, _SETTINGS)
        receivers, weather = Receivers(sandbox, server.observe), NoticesWeather(sandbox, clock, chance)
        load = Load(server, sandbox, clock, random.Random(chance.getrandbits(64)))
        async with serving(server, sandbox, receivers.follow()):
            observe_claims(database)
            await load.begin()
            server.arm()
            await _change(server, load, weather, size.kills, clock, tell)
            server.disarm()
            weather.clear()
            for account_id in MEMBERS[:2]:
                await load.members.break_calendar(account_id)
            tell(f"{server.kills} kills; what is left is sent")
            await drained(database, clock, [_WAITING], _DRAIN_SECONDS)
    return _judged(database, receivers, weather, server)


async def _change(
    server: BatteredServer,
    load: Load,
    weather: NoticesWeather,
    kills: int,
    clock: FastClock,
    tell: Callable[[str], None],
) -> None:
    def enough() -> bool:
        return server.kills >= kills

    async def told() -> None:
        await clock.sleep(_TOLD_EVERY)
        tell(f"{server.kills} kills")

    async with asyncio.TaskGroup() as group:
        for account_id in MEMBERS:
            group.create_task(keep(partial(load.members.break_and_mend, account_id), enough))
        for page_ids in (load.page_ids[::2], load.page_ids[1::2]):
            group.create_task(keep(partial(load.stop_and_resume, page_ids), enough))
        for work in (weather.change, told):
            group.create_task(keep(work, enough))


def _judged(database: Path, receivers: Receivers, weather: NoticesWeather, server: BatteredServer) -> Counter[str]:
    with closing(Database(database)) as observer:
        rows, people = observer.rows(), observer.people()
        log = [seen(encoded) for _, encoded in observer.log()]
    tries = read_tries(database, rows)
    replay = Replay(people, tries, rows)
    replay.play(log)
    oracle = Oracle(rows, tries, replay, server.killed_at)
    oracle.judge(receivers.received, broke_off=weather.broke_off(), refused=weather.refused_for_good())
    oracle.seen.update({"kills": server.kills, "changes": len(log), "faults": sum(weather.struck.values())})
    return oracle.seen
