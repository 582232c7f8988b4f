"""A server that dies at every single step of an appointment, and is started again: nothing is lost, nothing is twice.

Steps are the store's pieces of work, before and after each, and the calendars', before and after each change there. Who
called repeats their calls with the same request ids.
"""

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calguard_server.domain.appointment import Appointment, EntryState
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.appointments import Booking
from calguard_server.engine.context import Context, Policies
from calguard_server.engine.ports.filters import AppointmentFilter, NotificationFilter
from calguard_server.engine.requests import ReplayedError, Request
from calguard_server.store.sqlite.store import SqliteStore
from tests.fakes.calendars import LEASE, REVOKED, Desk, FakeCalendars, open_desk, slot
from tests.fakes.inline_connections import InlineConnections, next_turn
from tests.fakes.provider import FakeProvider
from tests.fakes.service import Service, build_engine, open_test_store, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.fakes.world import START, CountingIds, middle
from tests.integration.appointment_log import expect_told

BOOKING = Booking(booking_page_id="page", time=slot(0), time_zone="UTC", title="Visit")

NEVER = 1_000_000


@dataclass
class Death:
    """Lets so many steps happen; the next one, and all after it, never end."""

    left: int
    steps: int = 0
    come: asyncio.Event = field(default_factory=asyncio.Event)

    async def step(self) -> None:
        self.steps += 1
        if self.steps > self.left:
            self.come.set()
            await asyncio.Event().wait()
        await next_turn()


def request(name: str) -> Request:
    return Request(name, name, lambda appointment: appointment.id.encode())


async def call(desk: Desk, name: str) -> None:
    """Make a call, as if for the first time."""
    found = await desk.service.store.appointments(AppointmentFilter(), (START, ""), 10)
    with suppress(ReplayedError):
        match name:
            case "assign":
                await desk.appointments.assign(BOOKING, request(name))
            case "reassign":
                await desk.appointments.reassign(found[0].id, request=request(name))
            case "recover":
                await recover(desk)
            case _:
                await desk.appointments.cancel(found[0].id, request=request(name))


async def recover(desk: Desk) -> None:
    """Link Ann's account again, unless that is done."""
    [link] = await desk.service.store.links_of_account("ann")
    if link.state is LinkState.FAILED:
        await desk.service.link("ann", link_id=link.id)


class Life:
    """One run of a server. `done`: all calls were answered, and nothing was left to do; by `busy_steps` all was."""

    def __init__(self, path: Path, calendars: FakeCalendars, death: Death, number: int) -> None:
        self.done = False
        self.busy_steps = 0
        self._path = path
        self._calendars = calendars
        self._death = death
        self._number = number
        self._connections = InlineConnections(death.step)
        self._store: SqliteStore | None = None

    async def live(self, calls: Sequence[str]) -> None:
        """Live until death comes, or until all is done; then die."""
        self._calendars.pause = self._death.step
        mine, living = asyncio.current_task(), asyncio.create_task(self._live(calls))
        dead = asyncio.create_task(self._death.come.wait())
        await asyncio.wait((living, dead), return_when=asyncio.FIRST_COMPLETED)
        self._connections.kill()
        if self._store is not None:
            self._store._lock.close()
        if living.done():
            living.result()
        tasks = [task for task in asyncio.all_tasks() if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _live(self, calls: Sequence[str]) -> None:
        clock, ids = VirtualClock(), CountingIds()
        ids.skip(self._number)
        self._store = await open_test_store(self._path, clock, ids, connections=self._connections)
        context = Context(self._store, clock, ids, middle, Policies())
        provider = FakeProvider()
        engine = await build_engine(context, provider, frozenset())
        desk = open_desk(Service(**vars(engine), clock=clock, provider=provider), self._calendars)
        loops = (desk.loop, desk.reviews) if "recover" in calls else (desk.loop,)
        work = [asyncio.create_task(each.run()) for each in loops]
        for name in calls:
            await call(desk, name)
            await asyncio.sleep(1)  # noqa: TID251 - virtual: the loop jumps
        self.busy_steps = self._death.steps
        await asyncio.sleep(3 * LEASE.total_seconds())  # noqa: TID251 - virtual: the loop jumps
        assert not any(each.done() for each in work)
        self.done = True


async def prepare(path: Path) -> None:
    async with running_service(path, clock=VirtualClock(), connections=InlineConnections()) as service:
        for account in ("olga", "ann", "bob"):
            await service.add_account(account)
        for account in ("ann", "bob"):
            await service.link(account)
        await service.add_page("page", SchedulingMode.AUTO_ASSIGN, "olga", "ann", "bob")


async def prepare_outage(path: Path) -> str:
    """Besides, Ann's link has failed, and she has an appointment all the same; answers the link's id."""
    await prepare(path)
    async with running_service(path, clock=VirtualClock(), connections=InlineConnections()) as service:
        service.context.new_id.skip(9)  # type: ignore[attr-defined] - ids go on after a restart
        [link] = await service.store.links_of_account("ann")
        service.provider.findings[link.id] = (REVOKED,)
        await service.checks.check_now(link.id)
        desk = open_desk(service)
        assert (await desk.appointments.assign(BOOKING)).account_ids == ("ann",)
        await desk.failures.close()
        return link.id


async def survive(
    path: Path, calls: Sequence[str], left: int, calendars: FakeCalendars | None = None
) -> tuple[int, FakeCalendars]:
    """Die after so many steps, begin again, and do all; answers how many steps it takes where death does not come."""
    calendars = calendars or FakeCalendars()
    life = Life(path, calendars, Death(left), 1)
    await life.live(calls)
    if life.done:
        return life.busy_steps, calendars
    again = Life(path, calendars, Death(NEVER), 2)
    await again.live(calls)
    assert again.done
    return 0, calendars


async def outcome(path: Path) -> list[Appointment]:
    """What is there in the end, each change of which was told once."""
    async with running_service(path, clock=VirtualClock(), connections=InlineConnections()) as service:
        found = await service.store.appointments(AppointmentFilter(), (START, ""), 10)
        for appointment in found:
            await expect_told(service.store, appointment)
        return found


CALLS = (("assign",), ("assign", "reassign"), ("assign", "cancel"))


@pytest.mark.parametrize("calls", CALLS, ids="-".join)
def test_death_at_every_step(tmp_path: Path, calls: Sequence[str]) -> None:
    prepared = tmp_path / "prepared"
    run_virtually(prepare(prepared))

    def play(left: int) -> int:
        path = tmp_path / f"db-{left}"
        shutil.copy(prepared, path)
        steps, calendars = run_virtually(survive(path, calls, left))
        expect(calls, calendars, run_virtually(outcome(path)), f"after {left} steps")
        return steps

    steps = play(NEVER)
    assert steps > 30
    for left in range(steps):
        play(left)


def expect(calls: Sequence[str], calendars: FakeCalendars, appointments: Sequence[Appointment], when: str) -> None:
    assert len(appointments) == 1, when
    [appointment] = appointments
    [assignee] = appointment.assignees
    wanted = set() if "cancel" in calls else {assignee.entry.event_id}
    assert set(calendars.events) == wanted, when
    assert assignee.account_id == ("bob" if "reassign" in calls else "ann"), when
    assert assignee.entry.state is (EntryState.REMOVED if "cancel" in calls else EntryState.ADDED), when
    assert {each.state for each in appointment.former} <= {EntryState.REMOVED}, when


async def conflicts_and_notices(path: Path) -> tuple[int, int]:
    """How many conflicts are saved, and how many notices of them are owed."""
    async with running_service(path, clock=VirtualClock(), connections=InlineConnections()) as service:
        [appointment] = await service.store.appointments(AppointmentFilter(), (START, ""), 10)
        owed = await service.store.notifications(NotificationFilter(), 0, 100)
        told = [each for each in owed if each.delivery.kind is NoticeKind.APPOINTMENT_CONFLICT]
        return len(appointment.conflicts), len(told)


def test_death_at_every_step_of_a_review(tmp_path: Path) -> None:
    """What is in the way is saved and owed once, by e-mail and by Slack, and the event is there once."""
    prepared, calls = tmp_path / "prepared", ("recover",)
    link_id = run_virtually(prepare_outage(prepared))

    def play(left: int) -> int:
        path = tmp_path / f"db-{left}"
        shutil.copy(prepared, path)
        calendars = FakeCalendars(busy={link_id: [slot(0)]})
        steps, _ = run_virtually(survive(path, calls, left, calendars))
        assert run_virtually(conflicts_and_notices(path)) == (1, 2), f"after {left} steps"
        expect(calls, calendars, run_virtually(outcome(path)), f"after {left} steps")
        return steps

    steps = play(NEVER)
    assert steps > 15
    for left in range(steps):
        play(left)
