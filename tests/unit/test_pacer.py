"""Requests leave at the quota's rate, for the project and for each user."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

from calguard_server.google.pacer import Pacer, Quotas
from tests.fakes.world import START, ManualClock


class WaitsNoted:
    """A clock that stands still and takes note of what it is asked to wait."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.waits: list[timedelta] = []

    def now(self) -> datetime:
        return self.clock.now()

    def timer(self) -> float:
        return self.clock.timer()

    async def sleep(self, duration: timedelta) -> None:
        self.waits.append(duration)


async def admitted(pacer: Pacer, users: list[str]) -> None:
    requests: list[Awaitable[None]] = [pacer.admit(user) for user in users]
    await asyncio.gather(*requests)


async def test_requests_of_all_users_leave_at_the_projects_rate() -> None:
    """60 a minute: after the burst of a second, one a second."""
    clock = WaitsNoted()
    await admitted(Pacer(Quotas(per_project=60, per_user=60_000), clock), [f"u{number}" for number in range(5)])
    assert [wait.total_seconds() for wait in clock.waits] == [1, 2, 3]


async def test_requests_of_one_user_leave_at_the_users_rate() -> None:
    """60 a minute: after the burst of five seconds, one a second; others are not held up."""
    clock = WaitsNoted()
    pacer = Pacer(Quotas(per_project=600_000, per_user=60), clock)
    await admitted(pacer, ["ann"] * 8)
    assert [wait.total_seconds() for wait in clock.waits] == [1, 2]
    clock.waits.clear()
    await pacer.admit("bob")
    assert clock.waits == []


async def test_time_that_passes_gives_room_again() -> None:
    """What was not used is not saved up beyond the burst."""
    clock = WaitsNoted()
    pacer = Pacer(Quotas(per_project=60, per_user=60_000), clock)
    await admitted(pacer, ["ann"] * 2)
    clock.clock.advance(timedelta(hours=1))
    await admitted(pacer, ["ann"] * 3)
    assert [wait.total_seconds() for wait in clock.waits] == [1]
    assert clock.now() == START + timedelta(hours=1)


async def test_users_are_forgotten_when_nothing_delays_them_any_more() -> None:
    """A million users do not stay in memory."""
    clock = WaitsNoted()
    pacer = Pacer(Quotas(per_project=10_000_000, per_user=600), clock)
    for number in range(5000):
        await pacer.admit(f"u{number}")
        clock.clock.advance(timedelta(milliseconds=10))
    assert len(pacer._user_next) <= 1024
