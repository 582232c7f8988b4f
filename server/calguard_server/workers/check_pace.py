"""How many checks may start now, so that what fell due while nobody checked is caught up evenly and not at once.

Checks start at twice the rate that the links need at their regular interval, or at `least_per_second` where that is
more: after a restart the backlog is worked off within about half an interval, without a herd at the provider.
"""

from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.engine.ports.store import Store

_CATCH_UP = 2.0
_RECOUNT = timedelta(minutes=1)
_BURST = timedelta(seconds=1)


class PaceOptions(Struct, frozen=True):
    """`interval` is how often each of the links is checked."""

    interval: timedelta
    least_per_second: float = 10.0


class CheckPace:
    """An allowance that grows with time, up to what one second brings; `failing` tells which links it is for."""

    def __init__(self, store: Store, options: PaceOptions, *, failing: bool) -> None:
        self._store = store
        self._options = options
        self._failing = failing
        self._per_second = options.least_per_second
        self._allowance = 0.0
        self._grown: datetime | None = None
        self._counted: datetime | None = None

    async def allowance(self, now: datetime) -> int:
        """Tell how many checks may start now."""
        if self._counted is None or now - self._counted >= _RECOUNT:
            count = await self._store.count_scheduled(failing=self._failing)
            needed = _CATCH_UP * count / self._options.interval.total_seconds()
            self._per_second = max(self._options.least_per_second, needed)
            self._counted = now
        elapsed = _BURST if self._grown is None else now - self._grown
        self._grown = now
        grown = self._allowance + elapsed.total_seconds() * self._per_second
        self._allowance = min(grown, self._per_second * _BURST.total_seconds())
        return int(self._allowance)

    def spend(self, checks: int) -> None:
        """Take note of checks that are started."""
        self._allowance -= checks

    def until_next(self) -> timedelta:
        """Tell how long it takes until another check may start."""
        return timedelta(seconds=max(1 - self._allowance, 0) / self._per_second)
