"""Outages: somebody gets appointments while their calendars cannot be read, and something comes in between."""

from datetime import timedelta

from calguard_sandbox.google.state import Busy
from tests.crash.booked import time_of
from tests.torture.appointments_callers import Desk
from tests.torture.book import Kept
from tests.torture.members import team_of

_HOUR = timedelta(hours=1)
_FIRST_DAY = timedelta(days=2)
_TAKEN = 0.7


class Outages:
    """Of one member, whose page has another one besides, who is always well."""

    def __init__(self, desk: Desk, page_id: str, account_id: str) -> None:
        self._desk = desk
        self._page_id = page_id
        self._account_id = account_id
        self._busy: list[Busy] = []
        self._mine: list[Kept] = []
        self._next = desk.day + _FIRST_DAY

    async def one(self) -> None:
        """Break the calendar, have appointments assigned, fill the time of some, and mend it."""
        members = self._desk.members
        await members.pause(0, 10)
        mend = await members.break_calendar(self._account_id)
        for _ in range(self._desk.chance.randint(1, 3)):
            await self._assign()
        await members.pause(0, 10)
        await mend()
        await members.pause(0, 40)
        await self._change_one()

    async def _assign(self) -> None:
        start, self._next = self._next, self._next + 2 * _HOUR
        kept = await self._desk.assign(self._page_id, start, _HOUR)
        if kept is None:
            return
        self._mine.append(kept)
        [assignee] = kept.first.assignees
        if assignee.faulty and self._desk.chance.random() < _TAKEN:
            self._fill(kept)

    def _fill(self, kept: Kept) -> None:
        start, end = time_of(kept.first)
        calendar_id, begins = team_of(self._account_id), start + _HOUR / 4
        self._busy.append(Busy(begins, end + _HOUR / 4))
        self._desk.members.sandbox.google.set_busy(calendar_id, self._busy)
        self._desk.book.comes_between(kept, (self._account_id, calendar_id, begins, end))

    async def _change_one(self) -> None:
        theirs = [each for each in self._mine if each.stands and self._account_id in each.holders]
        if not theirs or self._desk.chance.random() < 0.5:
            return
        kept = self._desk.chance.choice(theirs)
        if self._desk.chance.random() < 0.5:
            await self._desk.cancel(kept)
        else:
            await self._desk.reassign(kept)
