"""What is kept of busy time: bounded, and gone when it should be."""

from datetime import UTC, datetime, timedelta

import pytest

from calguard_server.domain.intervals import Interval
from calguard_server.engine.busy_cache import BusyCache, BusyKey, whole_days
from tests.fakes.world import START, ManualClock
from tests.unit.builders import make_link

HOUR = timedelta(hours=1)
BUSY = (Interval(START, START + HOUR),)


def key(account_id: str, link_id: str = "link") -> BusyKey:
    return BusyKey.of(make_link(id=link_id, account_id=account_id), Interval(START, START + 24 * HOUR))


def test_the_one_used_longest_ago_goes_first() -> None:
    clock = ManualClock()
    cache = BusyCache(clock, timedelta(seconds=15), most_kept=4)
    for name in ("ann", "ben"):
        cache.put(key(name), BUSY, clock.timer())
    assert cache.get(key("ann")) == BUSY
    cache.put(key("cat"), BUSY, clock.timer())
    assert [cache.get(key(name)) for name in ("ann", "ben", "cat")] == [BUSY, None, BUSY]
    assert len(cache) == 2


def test_an_answer_is_as_old_as_its_question() -> None:
    clock = ManualClock()
    cache = BusyCache(clock, timedelta(seconds=15))
    asked = clock.timer()
    clock.advance(timedelta(seconds=10))
    cache.put(key("ann"), BUSY, asked)
    clock.advance(timedelta(seconds=5))
    assert cache.get(key("ann")) is None
    assert len(cache) == 0


def test_all_of_an_account_is_dropped_and_nothing_is_left_of_it() -> None:
    clock = ManualClock()
    cache = BusyCache(clock, timedelta(seconds=15))
    for link_id in ("one", "two"):
        cache.put(key("ann", link_id), BUSY, clock.timer())
        cache.put(key("ann", link_id), (), clock.timer())
    cache.put(key("ben"), BUSY, clock.timer())
    cache.drop(["ann", "nobody"])
    assert [cache.get(key("ann", "one")), cache.get(key("ann", "two")), cache.get(key("ben"))] == [None, None, BUSY]
    assert (list(cache._keys_of), cache._size) == (["ben"], 2)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC), (8, 9)),
        (datetime(2026, 3, 8, 23, 59, tzinfo=UTC), datetime(2026, 3, 9, 0, 0, 1, tzinfo=UTC), (8, 10)),
        (datetime(2026, 3, 8, 9, tzinfo=UTC), datetime(2026, 3, 8, 10, tzinfo=UTC), (8, 9)),
    ],
)
def test_a_window_is_widened_to_whole_days(start: datetime, end: datetime, days: tuple[int, int]) -> None:
    first, last = (datetime(2026, 3, day, tzinfo=UTC) for day in days)
    assert whole_days(Interval(start, end)) == Interval(first, last)
