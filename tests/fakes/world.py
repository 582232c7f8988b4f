"""Time that a test moves, chance that is fixed, ids that count."""

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until a test moves it; sleepers wake when their time has come."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._jumped = timedelta()
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def timer(self) -> float:
        return (self._now - self._jumped - START).total_seconds()

    async def sleep(self, duration: timedelta) -> None:
        if duration <= timedelta():
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + duration, wake))
        try:
            await wake
        finally:
            self._sleepers = [each for each in self._sleepers if each[1] is not wake]

    def advance(self, duration: timedelta) -> None:
        """Move time on, and wake those whose time has come."""
        self._now += duration
        due = [each for each in self._sleepers if each[0] <= self._now]
        self._sleepers = [each for each in self._sleepers if each[0] > self._now]
        for _, wake in due:
            if not wake.done():
                wake.set_result(None)

    def jump(self, by: timedelta) -> None:
        """Set the time of day, while as much time passes as before: none. Who sleeps, sleeps on."""
        self._now += by
        self._jumped += by
        self._sleepers = [(wake + by, sleeper) for wake, sleeper in self._sleepers]


class CountingIds:
    """Ids that count: `link-1`, `link-2`, `page-3`."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self, noun: str) -> str:
        return f"{noun}-{next(self._numbers)}"

    def skip(self, thousands: int) -> None:
        """Go on elsewhere, as a server does that was started again."""
        self._numbers = itertools.count(1_000 * thousands + 1)


def middle() -> float:
    """Chance that always falls in the middle: no jitter to either side."""
    return 0.5
