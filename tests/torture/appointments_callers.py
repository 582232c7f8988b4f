"""Callers that assign, cancel and give away: each call is made until it is answered, and what is answered is kept."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import grpc.aio

from calguard.v1 import appointment_pb2 as pb
from calguard_client.refusal import Refusal
from tests.crash.battered import BatteredServer
from tests.crash.booked import time_of
from tests.e2e.stubs import Stubs
from tests.simulation.complaint import demand, same
from tests.torture.book import TITLES, Book, Kept
from tests.torture.even_turns import EvenTurns
from tests.torture.members import Members

_REFUSALS = ("TIME_NOT_FREE", "TIME_UNKNOWN", "PAGE_STOPPED")
_SLOT = timedelta(minutes=30)
_SLOTS = 60
_TWICE = 0.15
_MOST_EACH = 10


class Desk:
    """Makes calls of appointments for whoever has to do with them. `seen` counts how they ended."""

    def __init__(self, members: Members, book: Book, day: datetime, chance: random.Random) -> None:
        self.book = book
        self.chance = chance
        self.members = members
        self.seen: Counter[str] = Counter()
        self.day = day
        self._server: BatteredServer = members.server
        self._number = 0

    async def assign(self, page_id: str, start: datetime, length: timedelta = 2 * _SLOT) -> Kept | None:
        """Have one assigned, now and then by two calls of one request at once; None where that is refused."""
        self._number += 1
        request = pb.AssignAppointmentRequest(
            booking_page_id=page_id, title=f"{TITLES}{self._number}", request_id=self.members.request_id()
        )
        request.start_time.FromDatetime(start)
        request.end_time.FromDatetime(start + length)
        asked, times = self.book.moment(), 2 if self.chance.random() < _TWICE else 1
        answers = await asyncio.gather(*(self._answer(lambda stubs: _assign(stubs, request)) for _ in range(times)))
        given = [each for each in answers if each is not None]
        if not given:
            return None
        for each in given:
            same(each, given[0], "what two calls of one request were answered")
        self.seen["assigned"] += 1
        return self.book.assigned(request, given[0], asked)

    async def cancel(self, kept: Kept) -> None:
        request = pb.CancelAppointmentRequest(id=kept.last.id, request_id=self.members.request_id())
        asked, kept.changing = self.book.moment(), True
        answer = await self._answer(lambda stubs: _cancel(stubs, request))
        demand(answer is not None, f"cancelling {kept.last.id} was refused")
        if answer is not None:
            self.seen["cancelled"] += 1
            self.book.changed(kept, answer, asked)

    async def reassign(self, kept: Kept, account_id: str = "") -> bool:
        """Give it to somebody else; answers whether that was not refused."""
        request = pb.ReassignAppointmentRequest(
            id=kept.last.id, account_id=account_id, request_id=self.members.request_id()
        )
        asked, kept.changing = self.book.moment(), True
        answer = await self._answer(lambda stubs: _reassign(stubs, request))
        if answer is None:
            kept.changing = False
            return False
        self.seen["given to somebody else"] += 1
        self.book.changed(kept, answer, asked)
        return True

    async def repeat(self, kept: Kept) -> None:
        """Make the call of long ago once more: it answers what it did."""
        answer = await self._answer(lambda stubs: _assign(stubs, kept.request))
        same(answer, kept.first, "the answer to a call that was repeated")
        self.seen["repeated"] += 1

    async def _answer(self, make: Callable[[Stubs], Awaitable[pb.Appointment]]) -> pb.Appointment | None:
        try:
            return await self._server.call(make)
        except grpc.aio.AioRpcError as error:
            reason = Refusal.of(error).reason
            if reason not in _REFUSALS:
                raise
            self.seen[f"refused: {reason}"] += 1
            return None


class Caller:
    """Books on some pages, at times for which others book, too."""

    def __init__(self, desk: Desk, page_ids: Sequence[str]) -> None:
        self._desk = desk
        self._page_ids = page_ids
        self._mine: list[Kept] = []

    async def call(self) -> None:
        """Make one call."""
        desk, mine = self._desk, [each for each in self._mine if each.stands]
        await desk.members.pause(0, 2)
        what = desk.chance.random()
        if len(mine) > _MOST_EACH or (mine and what < 0.25):
            await desk.cancel(desk.chance.choice(mine))
        elif (movable := [each for each in mine if len(each.holders) == 1]) and what < 0.45:
            await desk.reassign(desk.chance.choice(movable))
        elif kept := await desk.assign(desk.chance.choice(self._page_ids), *a_time(desk)):
            self._mine.append(kept)


class EvenCaller:
    """The only caller of a page that assigns evenly: who gets each appointment is known before."""

    def __init__(self, desk: Desk, page_id: str, members: Sequence[str]) -> None:
        self._desk = desk
        self._page_id = page_id
        self._turns = EvenTurns(members)

    async def call(self) -> None:
        """Make one call, and hold who gets the appointment against the rule."""
        desk, mine = self._desk, self._turns.standing
        await desk.members.pause(0, 2)
        what = desk.chance.random()
        if len(mine) > 3 * _MOST_EACH or (mine and what < 0.2):
            await desk.cancel(desk.chance.choice(mine))
        elif mine and what < 0.4:
            await self._reassign(desk.chance.choice(mine))
        else:
            await self._assign()

    async def _assign(self) -> None:
        start, length = a_time(self._desk)
        turn = self._turns.next((start, start + length))
        kept = await self._desk.assign(self._page_id, start, length)
        self._demand_turn(kept.holders if kept else [], turn)
        if kept is not None:
            self._turns.keep(kept)

    async def _reassign(self, kept: Kept) -> None:
        turn = self._turns.next(time_of(kept.last), kept)
        moved = await self._desk.reassign(kept)
        self._demand_turn(kept.holders if moved else [], turn)

    def _demand_turn(self, holders: Sequence[str], turn: str) -> None:
        same(list(holders), [turn] if turn else [], f"whose turn it was on {self._page_id}")
        if turn:
            self._turns.given(turn)
            self._desk.seen["taken in turn"] += 1


def a_time(desk: Desk) -> tuple[datetime, timedelta]:
    """Half an hour or more, at a half hour for which others may book, too."""
    return desk.day + desk.chance.randrange(_SLOTS) * _SLOT, desk.chance.randint(1, 3) * _SLOT


async def _assign(stubs: Stubs, request: pb.AssignAppointmentRequest) -> pb.Appointment:
    return (await stubs.appointments.AssignAppointment(request)).appointment


async def _cancel(stubs: Stubs, request: pb.CancelAppointmentRequest) -> pb.Appointment:
    return (await stubs.appointments.CancelAppointment(request)).appointment


async def _reassign(stubs: Stubs, request: pb.ReassignAppointmentRequest) -> pb.Appointment:
    return (await stubs.appointments.ReassignAppointment(request)).appointment
