"""When a page could be booked, held against a row of minutes for each member."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from calguard_server.domain import availability as rules
from calguard_server.domain.availability import Availability, FreeStretch, MemberTime, is_free
from calguard_server.domain.intervals import Interval
from calguard_server.domain.page import SchedulingMode
from tests.unit.builders import minutes
from tests.unit.minute_grid import LENGTH, WINDOW, at, minutes_of, some_intervals

ALL, ANY, AUTO = SchedulingMode
NAMES = ("ann", "ben", "cleo", "dora")


@st.composite
def some_members(draw: st.DrawFn) -> list[MemberTime]:
    names = NAMES[: draw(st.integers(0, len(NAMES)))]
    busy = st.none() | some_intervals.map(tuple)
    return [MemberTime(name, draw(busy)) for name in names]


def availability(
    mode: SchedulingMode, members: list[MemberTime], window: Interval, duration: timedelta
) -> Availability:
    """What is found, all of it read."""
    found = rules.availability(mode, members, window, duration)
    return replace(found, free=tuple(found.free))


def free_minutes(members: list[MemberTime]) -> dict[str, frozenset[int]]:
    everything = frozenset(range(LENGTH))
    return {each.account_id: everything - minutes_of(each.busy) for each in members if each.busy is not None}


def could_take(members: list[MemberTime], start: int, length: int) -> tuple[str, ...]:
    needed = frozenset(range(start, start + length))
    return tuple(name for name, free in free_minutes(members).items() if needed <= free)


def answered(found: Availability, time: Interval) -> tuple[str, ...]:
    """Who could take a time, as somebody reads it off the stretches: the shortest that it lies in says it."""
    holding = [each for each in found.free if each.time.start <= time.start and time.end <= each.time.end]
    return min(holding, key=lambda each: each.time.length).account_ids if holding else ()


@given(some_members(), st.sampled_from([ANY, AUTO]), st.integers(1, 12))
def test_where_any_will_do_every_time_has_the_members_who_could_take_it(
    members: list[MemberTime], mode: SchedulingMode, length: int
) -> None:
    found = availability(mode, members, WINDOW, minutes(length))
    for start in range(LENGTH - length + 1):
        assert answered(found, at(start, start + length)) == could_take(members, start, length)


@given(some_members(), st.integers(1, 12))
def test_where_all_are_needed_a_time_is_free_when_all_are(members: list[MemberTime], length: int) -> None:
    found = availability(ALL, members, WINDOW, minutes(length))
    everybody = tuple(each.account_id for each in members)
    for start in range(LENGTH - length + 1):
        expected = everybody if could_take(members, start, length) == everybody else ()
        assert answered(found, at(start, start + length)) == expected


@given(some_members(), st.sampled_from(SchedulingMode), st.integers(1, 12))
def test_stretches_are_in_order_long_enough_and_each_said_once(
    members: list[MemberTime], mode: SchedulingMode, length: int
) -> None:
    """None could be longer for the same members, and none is within another of the same."""
    found = availability(mode, members, WINDOW, minutes(length))
    keys = [(each.time.start, -each.time.length) for each in found.free]
    assert keys == sorted(set(keys))
    assert all(each.time.length >= minutes(length) and each.account_ids for each in found.free)
    for name in free_minutes(members):
        mine = [each for each in found.free if name in each.account_ids]
        assert minutes_of(each.time for each in mine) <= free_minutes(members)[name]
    for each in found.free:
        for other in found.free:
            inside = other.time.start <= each.time.start and each.time.end <= other.time.end
            assert each is other or not inside or set(other.account_ids) < set(each.account_ids)


@given(some_members(), st.sampled_from(SchedulingMode))
def test_whose_time_is_not_known_is_named_and_never_free(members: list[MemberTime], mode: SchedulingMode) -> None:
    found = availability(mode, members, WINDOW, minutes(1))
    assert found.unknown_account_ids == tuple(each.account_id for each in members if each.busy is None)
    assert not set(found.unknown_account_ids) & {name for each in found.free for name in each.account_ids}
    assert mode is not ALL or not found.unknown_account_ids or found.free == ()


@pytest.mark.parametrize("mode", list(SchedulingMode))
def test_nobody_is_never_free(mode: SchedulingMode) -> None:
    assert availability(mode, [], WINDOW, minutes(1)) == Availability((), (), without_members=True)
    member = MemberTime("ann", None)
    assert not availability(mode, [member], WINDOW, minutes(1)).without_members


def test_a_time_across_a_border_is_found_with_whoever_can_take_all_of_it() -> None:
    """Ann is free until 25, Ben from 10 on: from 5 to 15 only Ann can, from 12 to 22 both."""
    members = [MemberTime("ann", (at(25, 40),)), MemberTime("ben", (at(0, 10),))]
    found = availability(ANY, members, WINDOW, minutes(10))
    assert found.free == (
        FreeStretch(at(0, 25), ("ann",)),
        FreeStretch(at(10, 40), ("ben",)),
        FreeStretch(at(10, 25), ("ann", "ben")),
    )


def test_one_is_free_for_all_of_a_time_or_not_at_all() -> None:
    ann = MemberTime("ann", (at(10, 20),))
    assert is_free(ann, at(0, 10))
    assert is_free(ann, at(20, 30))
    assert not is_free(ann, at(19, 21))
    assert not is_free(MemberTime("ann", None), at(0, 1))


def test_who_is_free_until_the_same_end_is_in_one_stretch() -> None:
    """Runs that begin together, end together, or both; and one that is too short by the time the next begins."""
    members = [
        MemberTime("ann", (at(30, 40),)),
        MemberTime("ben", (at(0, 5), at(30, 40))),
        MemberTime("cleo", (at(0, 5), at(20, 40))),
        MemberTime("dora", (at(12, 40),)),
    ]
    found = availability(ANY, members, WINDOW, minutes(10))
    assert found.free == (
        FreeStretch(at(0, 30), ("ann",)),
        FreeStretch(at(0, 12), ("ann", "dora")),
        FreeStretch(at(5, 30), ("ann", "ben")),
        FreeStretch(at(5, 20), ("ann", "ben", "cleo")),
    )


def test_stretches_are_found_as_they_are_read() -> None:
    found = rules.availability(ANY, [MemberTime("ann", (at(10, 20),))], WINDOW, minutes(5))
    stretches = iter(found.free)
    assert (next(stretches).time, next(stretches).time, next(stretches, None)) == (at(0, 10), at(20, 40), None)


def test_a_crowd_over_weeks_is_answered() -> None:
    """Twenty members with ten appointments a day each, over four weeks: as many stretches as are of use."""
    members = [
        MemberTime(
            f"member-{number}",
            tuple(
                at(day * 1440 + slot * 144 + number, day * 1440 + slot * 144 + 60 + number)
                for day in range(28)
                for slot in range(10)
            ),
        )
        for number in range(20)
    ]
    found = availability(AUTO, members, at(0, 28 * 1440), timedelta(minutes=60))
    assert {name for each in found.free for name in each.account_ids} == {each.account_id for each in members}
