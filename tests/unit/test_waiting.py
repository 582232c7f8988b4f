"""Waiting for what has an end in time."""

import asyncio
from datetime import timedelta

import pytest

from calguard_server.engine.waiting import ended_within, within
from tests.fakes.world import ManualClock

LIMIT = timedelta(seconds=20)


async def answer(value: str) -> str:
    return value


async def fail() -> None:
    raise KeyError("nothing")


async def test_what_ends_in_time_is_answered_or_raised() -> None:
    clock = ManualClock()
    assert await within(clock, LIMIT, answer("yes")) == "yes"
    with pytest.raises(KeyError):
        await within(clock, LIMIT, fail())


async def test_what_takes_too_long_is_cancelled_before_that_is_told() -> None:
    clock, ended = ManualClock(), asyncio.Event()
    running = asyncio.create_task(within(clock, LIMIT, endless(ended)))
    await turn()
    clock.advance(LIMIT - timedelta(microseconds=1))
    await turn()
    assert not running.done()
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(TimeoutError):
        await running
    assert ended.is_set()


async def test_who_gives_up_cancels_the_work() -> None:
    ended = asyncio.Event()
    running = asyncio.create_task(within(ManualClock(), LIMIT, endless(ended)))
    await turn()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_of_several_those_are_answered_that_end_in_time_and_the_others_are_cancelled() -> None:
    clock, ended, late = ManualClock(), asyncio.Event(), list[str]()
    work = {"one": answer("yes"), "two": endless(ended), "three": answer("no")}
    running = asyncio.create_task(ended_within(clock, LIMIT, work, late.append))
    await turn()
    clock.advance(LIMIT - timedelta(microseconds=1))
    await turn()
    assert (running.done(), late) == (False, [])
    clock.advance(timedelta(microseconds=1))
    assert await running == {"one": "yes", "three": "no"}
    assert (late, ended.is_set(), clock._sleepers) == (["two"], True, [])


async def test_several_that_all_end_in_time_wait_for_no_timer() -> None:
    clock, late = ManualClock(), list[str]()
    assert await ended_within(clock, LIMIT, {"one": answer("yes"), "two": answer("no")}, late.append) == {
        "one": "yes",
        "two": "no",
    }
    assert await ended_within(clock, LIMIT, {}, late.append) == {}
    assert (late, clock._sleepers) == ([], [])


async def test_one_of_several_that_fails_is_raised_and_ends_the_others() -> None:
    ended, late = asyncio.Event(), list[str]()
    with pytest.raises(KeyError):
        await ended_within(ManualClock(), LIMIT, {"one": endless(ended), "two": fail()}, late.append)
    assert (late, ended.is_set()) == ([], True)


async def test_who_gives_up_cancels_all() -> None:
    ended, late = asyncio.Event(), list[str]()
    running = asyncio.create_task(ended_within(ManualClock(), LIMIT, {"one": endless(ended)}, late.append))
    await turn()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (late, ended.is_set()) == ([], True)


async def endless(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def turn() -> None:
    """Let every task that can go on do so, a few times."""
    for _ in range(5):
        await asyncio.get_running_loop().create_task(answer(""))
