"""Time that passes faster than it does: the same for every process that is told the same beginning."""

from datetime import datetime, timedelta

from calguard_server.app import SystemClock

SPEED = 10
"""How many of its seconds pass in one."""


class FastClock:
    """A clock that has run so fast since an instant of real time. What waits on a socket waits in real time."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._real = SystemClock()

    @classmethod
    def beginning_now(cls) -> "FastClock":
        return cls(SystemClock().now())

    def now(self) -> datetime:
        return self.since + (self._real.now() - self.since) * SPEED

    def timer(self) -> float:
        return self._real.timer() * SPEED

    async def sleep(self, duration: timedelta) -> None:
        await self._real.sleep(duration / SPEED)
