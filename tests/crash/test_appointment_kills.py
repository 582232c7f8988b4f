"""A server that is killed at each point between a call, Google and the answer: nothing is lost, and nothing is twice.

Points are reached by holding requests at the sandbox, and answers on the wire to the caller.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox.traffic import ReceivedRequest
from tests.crash.appointment_desk import Desk, is_added, open_desk
from tests.crash.booked import (
    CANCELLED,
    all_appointments,
    demand_ended,
    demand_nobody_twice,
    demand_once_in_calendars,
    demand_same_appointment,
)
from tests.crash.lost_answers import lost_answers
from tests.e2e.stubs import Stubs
from tests.patience import PATIENCE_SECONDS

FREEBUSY, INSERT, DELETE = "freebusy", "events.insert", "events.delete"
ASSIGN, CANCEL, REASSIGN = "assign", "cancel", "reassign"

Call = Callable[[Stubs], Awaitable[pb.Appointment]]


@dataclass(frozen=True)
class Point:
    """Where a request of the server stands at Google: held as it arrives, or carried out (and held), or answered."""

    endpoint: str
    fault: str = ""

    def reached(self, note: ReceivedRequest) -> bool:
        return (note.endpoint, note.fault or "") == (self.endpoint, self.fault)

    def __str__(self) -> str:
        how = {"": "is answered", "network/hold": "arrives", "network/hold_after": "is carried out"}
        return f"{self.endpoint} {how[self.fault]}"


def points(endpoint: str) -> list[Point]:
    return [Point(endpoint, "network/hold"), Point(endpoint, "network/hold_after"), Point(endpoint)]


AFTER_ANSWER = [
    *((ASSIGN, point) for point in points(INSERT)),
    *((CANCEL, point) for point in points(DELETE)),
    *((REASSIGN, point) for point in (*points(INSERT), *points(DELETE))),
]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        await opened.start()
        yield opened


async def call_of(desk: Desk, name: str) -> Call:
    """A call that is the same whenever it is made; what it is about is there, and in its calendar."""
    booking = desk.booking()
    if name == ASSIGN:

        async def assign(stubs: Stubs) -> pb.Appointment:
            return (await stubs.appointments.AssignAppointment(booking)).appointment

        return assign
    made = (await desk.stubs.appointments.AssignAppointment(booking)).appointment
    assert [each.account_id for each in made.assignees] == ["ann"]
    await desk.until(is_added)
    return later_call(desk, name, made.id)


def later_call(desk: Desk, name: str, appointment_id: str) -> Call:
    fields = {"id": appointment_id, "request_id": desk.request_id()}

    async def cancel(stubs: Stubs) -> pb.Appointment:
        return (await stubs.appointments.CancelAppointment(pb.CancelAppointmentRequest(**fields))).appointment

    async def reassign(stubs: Stubs) -> pb.Appointment:
        return (await stubs.appointments.ReassignAppointment(pb.ReassignAppointmentRequest(**fields))).appointment

    return cancel if name == CANCEL else reassign


def is_done(name: str) -> Callable[[pb.Appointment], bool]:
    """Whether a call has had its effect."""
    if name == CANCEL:
        return lambda appointment: appointment.state == CANCELLED
    holder = "ben" if name == REASSIGN else "ann"
    return lambda appointment: [each.account_id for each in appointment.assignees] == [holder]


async def demand_all_well(desk: Desk, name: str, answered: pb.Appointment) -> None:
    """One appointment is there, as it was answered, and once in one calendar, or in none where it was cancelled."""
    appointments = await desk.settled()
    [appointment] = appointments
    demand_same_appointment(appointment, answered)
    assert is_done(name)(appointment)
    demand_ended(appointments)
    demand_once_in_calendars(appointments, desk.sandbox.google, "Visit")
    demand_nobody_twice(appointments)


async def let_go_on(desk: Desk) -> None:
    """Have Google do what it holds, long after whoever asked is dead."""
    held = [note for note in desk.sandbox.google_requests.records if note.fault and note.status is None]
    desk.sandbox.faults.clear()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(note.status is None for note in held):
            await all_appointments(desk.stubs)


@pytest.mark.parametrize(("name", "point"), AFTER_ANSWER, ids=str)
async def test_killed_while_calendars_are_written(desk: Desk, name: str, point: Point) -> None:
    """The caller has the answer, and the calendars follow."""
    call = await call_of(desk, name)
    before = desk.sandbox.google_requests.last
    if point.fault:
        desk.sandbox.fault(point.fault, surface="google", endpoint=point.endpoint, times=1)
    answered = await call(desk.stubs)
    await desk.received(point.reached, before)
    await desk.kill()
    await desk.start_again()
    assert await call(desk.stubs) == answered
    await demand_all_well(desk, name, answered)
    await let_go_on(desk)
    await demand_all_well(desk, name, answered)


@pytest.mark.parametrize("name", [ASSIGN, CANCEL, REASSIGN])
async def test_killed_right_after_the_answer(desk: Desk, name: str) -> None:
    call = await call_of(desk, name)
    answered = await call(desk.stubs)
    await desk.kill()
    await desk.start_again()
    assert await call(desk.stubs) == answered
    await demand_all_well(desk, name, answered)


@pytest.mark.parametrize("name", [ASSIGN, REASSIGN])
async def test_killed_while_calendars_are_asked(desk: Desk, name: str) -> None:
    """Nothing was decided: the call is made again, and has its effect once."""
    call = await call_of(desk, name)
    before = desk.sandbox.google_requests.last
    desk.sandbox.fault("network/hold", surface="google", endpoint=FREEBUSY, times=1)
    asking = asyncio.ensure_future(call(desk.stubs))
    await desk.received(Point(FREEBUSY, "network/hold").reached, before)
    await desk.kill()
    with pytest.raises(grpc.aio.AioRpcError):
        await asking
    await desk.start_again()
    assert not any(map(is_done(name), await all_appointments(desk.stubs)))
    answered = await call(desk.stubs)
    assert await call(desk.stubs) == answered
    await demand_all_well(desk, name, answered)


@pytest.mark.parametrize("name", [ASSIGN, CANCEL, REASSIGN])
async def test_killed_between_the_commit_and_the_answer(desk: Desk, name: str) -> None:
    """The caller cannot know what became of the call, repeats it, and learns of the appointment that there is."""
    call = await call_of(desk, name)
    async with lost_answers(desk.port) as wire:
        stubs = await desk.connect(wire.port)
        assert len(await all_appointments(stubs)) == (name != ASSIGN)
        wire.lost = True
        asking = asyncio.ensure_future(call(stubs))
        await desk.until(is_done(name))
        [committed] = await all_appointments(desk.stubs)
        assert not asking.done()
        await desk.kill()
        with pytest.raises(grpc.aio.AioRpcError):
            await asking
    await desk.start_again()
    answered = await call(desk.stubs)
    assert is_done(name)(answered)
    demand_same_appointment(answered, committed)
    await demand_all_well(desk, name, answered)


@pytest.mark.parametrize("name", [ASSIGN, CANCEL, REASSIGN])
async def test_google_carries_out_an_insert_of_a_server_that_is_dead(desk: Desk, name: str) -> None:
    """Also of an appointment that was cancelled, or given to somebody else, while its event was on the way."""
    before = desk.sandbox.google_requests.last
    rule = desk.sandbox.fault("network/hold", surface="google", endpoint=INSERT, times=1)
    booking = desk.booking()
    answered = (await desk.stubs.appointments.AssignAppointment(booking)).appointment
    await desk.received(Point(INSERT, "network/hold").reached, before)
    if name != ASSIGN:
        await later_call(desk, name, answered.id)(desk.stubs)
    await desk.kill()
    desk.sandbox.faults.remove(rule.id)
    await desk.start_again()
    again = (await desk.stubs.appointments.AssignAppointment(booking)).appointment
    assert again == answered
    await demand_all_well(desk, name, answered)
