"""Time as a row of minutes, each of which is taken or not: the model that intervals are held against."""

from collections.abc import Iterable
from datetime import timedelta

from hypothesis import strategies as st

from calguard_server.domain.intervals import Interval
from tests.unit.builders import NOW

LENGTH = 40
"""The window is so many minutes long; intervals reach up to ten minutes beyond it on both sides."""


def at(minute: int, until: int) -> Interval:
    return Interval(NOW + timedelta(minutes=minute), NOW + timedelta(minutes=until))


WINDOW = at(0, LENGTH)


def minutes_of(intervals: Iterable[Interval]) -> frozenset[int]:
    """The minutes of the window that are in any of the intervals."""
    return frozenset(minute for each in intervals for minute in range(LENGTH) if each.overlaps(at(minute, minute + 1)))


@st.composite
def an_interval(draw: st.DrawFn) -> Interval:
    start = draw(st.integers(-10, LENGTH + 9))
    return at(start, draw(st.integers(start + 1, LENGTH + 10)))


some_intervals = st.lists(an_interval(), max_size=8)
