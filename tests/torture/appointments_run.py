"""One run, in rounds: callers call, Google fails, the server is killed; then all is calm, and all is judged."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_sandbox import Sandbox, SandboxOptions
from tests.crash.battered import BatteredServer
from tests.crash.booked import all_appointments
from tests.e2e.stubs import ALL, ANY, AUTO
from tests.torture.appointments_callers import Caller, Desk, EvenCaller
from tests.torture.appointments_faults import GoogleWeather
from tests.torture.appointments_oracle import judge
from tests.torture.book import TITLES, Book
from tests.torture.command_line import Tell
from tests.torture.fast_clock import FastClock
from tests.torture.members import Members
from tests.torture.outages import Outages
from tests.torture.serving import drained, serving, tortured_server
from tests.torture.told_conflicts import ToldConflicts
from tests.torture.vandal import Vandal
from tests.torture.writers import keep

OWNER = "olga"
SHARED = tuple(f"member-{number}" for number in range(6))
EVEN = tuple(f"even-{number}" for number in range(4))
OUT = tuple(f"out-{number}" for number in range(2))
BESIDES = tuple(f"besides-{number}" for number in range(2))
_PAGES = {
    "all": (ALL, SHARED[:2]),
    "any": (ANY, SHARED[1:5]),
    "auto": (AUTO, SHARED),
    "sequential": (AUTO, SHARED[2:]),
}
_SPEED = 20
_SETTINGS = {
    "google_timeout": "1s",
    "check_interval": "5m",
    "incident_accounts": "1000",  # what fails alike is told, and not held
    "notice_group_wait": "2s",
    "availability_cache": "0s",
}
_DRAIN_SECONDS = 120
_REPEATED = 20
_DUE = [
    "SELECT COUNT(*) FROM entries WHERE next_attempt_time IS NOT NULL",
    "SELECT COUNT(*) FROM reviews WHERE due_time IS NOT NULL",
    "SELECT COUNT(*) FROM deliveries WHERE next_attempt_time IS NOT NULL",
]


@dataclass(frozen=True)
class AppointmentsSize:
    """How often the server is killed, in rounds of how many kills, and between how many observations."""

    kills: int
    round_kills: int = 20
    gap: tuple[int, int] = (5, 200)
    callers: int = 6


class _Run:
    def __init__(self, server: BatteredServer, sandbox: Sandbox, clock: FastClock, chance: random.Random) -> None:
        self.server = server
        self.book = Book()
        self.members = Members(server, sandbox, clock, _fork(chance))
        day = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(days=2)
        self.desk = Desk(self.members, self.book, day, _fork(chance))
        self.weather = GoogleWeather(sandbox, clock, _fork(chance))
        self.vandal = Vandal(sandbox.google, TITLES, _fork(chance))
        self.seen: Counter[str] = Counter()
        self._sandbox = sandbox
        self._outages = [Outages(self.desk, f"outage-{number}", each) for number, each in enumerate(OUT)]
        self._even = EvenCaller(self.desk, "even", EVEN)
        self._callers: list[Caller] = []

    async def begin(self, callers: int) -> None:
        for account_id in (OWNER, *SHARED, *EVEN, *OUT, *BESIDES):
            await self.members.add_account(account_id)
        for account_id in (*SHARED, *OUT):
            await self.members.link(account_id)
        for account_id in (*EVEN, *BESIDES):
            await self.members.link(account_id, check=False)
        for page_id, (mode, account_ids) in _PAGES.items():
            method = pages_pb.ASSIGNMENT_METHOD_SEQUENTIAL if page_id == "sequential" else None
            await self.members.add_page(page_id, mode, OWNER, account_ids, assignment_method=method)
        await self.members.add_page("even", AUTO, OWNER, EVEN)
        for number, pair in enumerate(zip(OUT, BESIDES, strict=True)):
            await self.members.add_page(f"outage-{number}", AUTO, OWNER, pair)
        self._callers = [Caller(self.desk, list(_PAGES)) for _ in range(callers)]

    async def round(self, kills: int) -> None:
        """Do everything at once until the server was killed so often, and all that was begun is answered."""

        def enough() -> bool:
            return self.server.kills >= kills

        self.server.arm()
        async with asyncio.TaskGroup() as group:
            for caller in (*self._callers, self._even):
                group.create_task(keep(caller.call, enough))
            for outages in self._outages:
                group.create_task(keep(outages.one, enough))
            for account_id in (SHARED[0], SHARED[3], EVEN[0]):
                group.create_task(keep(partial(self.members.break_and_mend, account_id), enough))
            group.create_task(keep(self.weather.change, enough))
            group.create_task(keep(self._vandalize, enough))
        self.server.disarm()
        self.weather.clear()

    async def settle(self, database: Path, clock: FastClock, told: ToldConflicts) -> None:
        """Mend all, wait until nothing is under way, and judge."""
        await self.members.all_linked()
        await drained(database, clock, _DUE, _DRAIN_SECONDS)
        kept = list(self.book.kept.values())
        for each in self.desk.chance.sample(kept, min(_REPEATED, len(kept))):
            await self.desk.repeat(each)
        appointments = await self.server.call(all_appointments, observed=False)
        judged = judge(appointments, self.book, self._sandbox.google, self.vandal.deleted, told.read())
        self.seen |= judged
        self.seen["settled"] += 1

    async def _vandalize(self) -> None:
        await self.members.pause(0, 60)
        self.vandal.delete_one()


async def torture_appointments(folder: Path, seed: int, size: AppointmentsSize, tell: Tell) -> Counter[str]:
    """Play a run; answers what happened. Raises ComplaintError where something is not as it is documented."""
    chance, clock, database = random.Random(seed), FastClock.beginning_now(_SPEED), folder / "calguard.db"
    async with Sandbox(SandboxOptions(seed="torture"), now=clock.now) as sandbox:
        server = tortured_server(sandbox, database, clock, chance, size.gap, _SETTINGS)
        run, told = _Run(server, sandbox, clock, chance), ToldConflicts(database, sandbox)
        async with serving(server, sandbox):
            await run.begin(size.callers)
            while server.kills < size.kills:
                await run.round(min(server.kills + size.round_kills, size.kills))
                await run.settle(database, clock, told)
                tell(f"{server.kills} kills, {len(run.book.kept)} appointments, all settled")
    return run.seen | run.desk.seen | _counted(run)


def _counted(run: _Run) -> Counter[str]:
    return Counter(
        {
            "kills": run.server.kills,
            "faults of Google": sum(run.weather.struck.values()),
            "events deleted by hand": len(run.vandal.deleted),
            "conflicts after outages": len(run.book.ever_in_the_way),
        }
    )


def _fork(chance: random.Random) -> random.Random:
    return random.Random(chance.getrandbits(64))
