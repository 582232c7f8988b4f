"""Waiting for what has an end in time."""

import asyncio
from datetime import timedelta

import pytest

from calguard_server.engine.waiting import within
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


async def endless(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def turn() -> None:
    """Let every task that can go on do so, a few times."""
    for _ in range(5):
        await asyncio.get_running_loop().create_task(answer(""))
