"""What was asked of the provider a moment ago: busy time of links, kept for seconds, dropped when it changes here."""

from collections import OrderedDict
from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec import Struct

from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.ports.clock import Clock

_DAY = timedelta(days=1)
_MOST_KEPT = 200_000
"""How many stretches are kept at most, each of some 150 bytes."""


class BusyKey(Struct, frozen=True):
    """What was asked. `evidence` grows with each new consent and each new selection, and so with each other grant."""

    account_id: str
    calendar_link_id: str
    evidence: int
    calendar_ids: tuple[str, ...]
    window: Interval

    @classmethod
    def of(cls, link: CalendarLink, window: Interval) -> "BusyKey":
        """Name a question about a link's check calendars."""
        return cls(link.account_id, link.id, link.evidence, link.check_calendar_ids, window)


class _Kept(Struct, frozen=True):
    until: float
    busy: tuple[Interval, ...]


class BusyCache:
    """Keeps answers for `lifetime`; nothing where that is none. The one that was used longest ago goes first."""

    def __init__(self, clock: Clock, lifetime: timedelta, most_kept: int = _MOST_KEPT) -> None:
        self._clock = clock
        self._lifetime = lifetime.total_seconds()
        self._most_kept = most_kept
        self._kept: OrderedDict[BusyKey, _Kept] = OrderedDict()
        self._keys_of: dict[str, set[BusyKey]] = {}
        self._size = 0

    def get(self, key: BusyKey) -> tuple[Interval, ...] | None:
        """Answer what is kept and not too old."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until <= self._clock.timer():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept.busy

    def put(self, key: BusyKey, busy: tuple[Interval, ...], asked: float) -> None:
        """Keep an answer from when it was asked, by the clock's timer."""
        if self._lifetime <= 0:
            return
        if key in self._kept:
            self._drop(key)
        self._kept[key] = _Kept(asked + self._lifetime, busy)
        self._keys_of.setdefault(key.account_id, set()).add(key)
        self._size += len(busy) + 1
        while self._size > self._most_kept:
            self._drop(next(iter(self._kept)))

    def drop(self, account_ids: Collection[str]) -> None:
        """Drop what is kept of accounts."""
        for account_id in account_ids:
            for key in tuple(self._keys_of.get(account_id, ())):
                self._drop(key)

    def _drop(self, key: BusyKey) -> None:
        self._size -= len(self._kept.pop(key).busy) + 1
        keys = self._keys_of[key.account_id]
        keys.discard(key)
        if not keys:
            del self._keys_of[key.account_id]

    def __len__(self) -> int:
        return len(self._kept)


def whole_days(window: Interval) -> Interval:
    """Widen a window to whole days of UTC: of those who ask about one week a minute apart all ask the same."""
    start, end = _midnight(window.start), _midnight(window.end)
    return Interval(start, end if end == window.end else end + _DAY)


def _midnight(time: datetime) -> datetime:
    return time.replace(hour=0, minute=0, second=0, microsecond=0)
