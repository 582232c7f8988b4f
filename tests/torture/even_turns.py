"""Who gets the next appointment of a page that assigns evenly, as docs/appointments.md says; of a page of one caller.

The members have no check calendars, and are on no other page: who is free is known.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from tests.crash.booked import time_of
from tests.torture.book import Kept

Time = tuple[datetime, datetime]


class EvenTurns:
    """Keeps what was assigned when, in the order of the calls."""

    def __init__(self, members: Sequence[str]) -> None:
        self._members = members
        self._kept: list[Kept] = []
        self._last = dict.fromkeys(members, 0)
        self._calls = 0

    def next(self, time: Time, besides: Kept | None = None) -> str:
        """Answer who has to get it, empty for nobody; `besides` is the appointment that is given to another."""
        holders = besides.holders if besides else []
        free = [each for each in self._members if each not in holders and not self._is_busy(each, time)]
        return min(free, key=lambda each: (self._count(each), self._last[each]), default="")

    def given(self, account_id: str) -> None:
        """Note that somebody got one."""
        self._calls += 1
        self._last[account_id] = self._calls

    def keep(self, kept: Kept) -> None:
        self._kept.append(kept)

    @property
    def standing(self) -> Sequence[Kept]:
        return [each for each in self._kept if each.stands]

    def _count(self, account_id: str) -> int:
        return sum(account_id in each.holders for each in self.standing)

    def _is_busy(self, account_id: str, time: Time) -> bool:
        theirs: Collection[Time] = [time_of(each.last) for each in self.standing if account_id in each.holders]
        return any(start < time[1] and time[0] < end for start, end in theirs)
