"""Time that passes faster than it does: the same for every process that is told the same beginning."""

from datetime import datetime, timedelta

from calguard_server.wiring.world import SystemClock

SPEED = 10
"""How many of its seconds pass in one, where nothing else is said."""


class FastClock:
    """A clock that has run so fast since an instant of real time. What waits on a socket waits in real time."""

    def __init__(self, since: datetime, speed: int = SPEED) -> None:
        self.since = since
        self.speed = speed
        self._real = SystemClock()

    @classmethod
    def beginning_now(cls, speed: int = SPEED) -> "FastClock":
        return cls(SystemClock().now(), speed)

    def now(self) -> datetime:
        return self.since + (self._real.now() - self.since) * self.speed

    def timer(self) -> float:
        return self._real.timer() * self.speed

    async def sleep(self, duration: timedelta) -> None:
        await self._real.sleep(duration / self.speed)
