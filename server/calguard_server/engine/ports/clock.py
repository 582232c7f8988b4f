"""Time."""

from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time, as far as anything here depends on it."""

    def now(self) -> datetime:
        """Answer the time, in UTC."""
        ...

    def timer(self) -> float:
        """Answer seconds that only grow, whatever happens to the time of day."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return when that much time has passed."""
        ...
