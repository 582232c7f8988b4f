"""A Google that takes a question and does not answer: what can be booked meanwhile, over the contract."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2 as cause_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.booking import HOUR, assign, booking, holders
from tests.e2e.stubs import ALL, ANY, refused, told

ANN, BEN = "ann@example.com", "ben@example.com"
BUDGET = timedelta(seconds=4)
_STEPS = 40
T = TypeVar("T")


@pytest.fixture
async def backend(tmp_path: Path) -> AsyncIterator[Backend]:
    """Ann and Ben, and Google, which says nothing of Ann's time until it is let go on. Nothing is kept of calendars."""
    async with running_backend(tmp_path, availability_cache="0s", google_timeout="1m") as running:
        await running.add_account("olga")
        for name in ("ann", "ben"):
            await running.add_account(name)
            await running.link(name)
        await running.add_page("all", ALL, "olga", "ann", "ben")
        await running.add_page("any", ANY, "olga", "ann", "ben")
        yield running


def hold(backend: Backend, times: int | None = None) -> str:
    return backend.sandbox.fault("network/hold", surface="google", endpoint="freebusy", user=ANN, times=times).id


async def once_asked(backend: Backend, call: Awaitable[T], passes: timedelta = BUDGET) -> T:
    """What a call answers for which Google is asked about both, and then so much time passes, and no more."""
    before = backend.sandbox.google_requests.last
    answer = asyncio.ensure_future(call)
    async with asyncio.timeout(10):
        while (BEN,) not in questions(backend, before):
            await backend.page("all")
    for _ in range(_STEPS):
        backend.clock.advance(passes / _STEPS)
        await backend.page("all")
    return await answer


def questions(backend: Backend, after: int) -> list[tuple[str, ...]]:
    """Whose time Google was asked about."""
    received = backend.sandbox.google_requests.after(after)
    return [each.record.users for each in received if each.record.endpoint == "freebusy"]


async def query(backend: Backend, page_id: str, deadline: timedelta | None = None) -> pb.QueryAvailabilityResponse:
    request, now = pb.QueryAvailabilityRequest(booking_page_id=page_id), backend.clock.now()
    request.start_time.FromDatetime(now)
    request.end_time.FromDatetime(now + 8 * HOUR)
    request.duration.FromTimedelta(HOUR)
    return await backend.appointments.QueryAvailability(request, timeout=deadline and deadline.total_seconds())


def members(answer: pb.QueryAvailabilityResponse) -> tuple[list[list[str]], list[str]]:
    """Who could take the stretches, and who is unknown."""
    return [list(each.account_ids) for each in answer.free], list(answer.unknown_account_ids)


async def test_a_query_goes_on_without_who_is_silent_and_has_the_link_checked(backend: Backend) -> None:
    """The check finds nothing that is wrong: what was met is no evidence."""
    rule = hold(backend)
    assert members(await once_asked(backend, query(backend, "any"))) == ([["ben"]], ["ann"])
    [link] = await backend.all_links("ann")
    before = link.last_check_time.ToDatetime(UTC)
    backend.sandbox.faults.remove(rule)
    async with asyncio.timeout(10):
        while link.last_check_time.ToDatetime(UTC) == before:
            [link] = await backend.all_links("ann")
    assert link.state == links_pb.CALENDAR_LINK_STATE_LINKED
    assert members(await query(backend, "any")) == ([["ann", "ben"]], [])


async def test_a_page_that_needs_all_has_no_free_time_while_one_is_silent(backend: Backend) -> None:
    hold(backend)
    assert members(await once_asked(backend, query(backend, "all"))) == ([], ["ann"])


async def test_what_the_check_meets_degrades_the_link_as_any_trouble_that_may_pass(backend: Backend) -> None:
    """The page goes on: nothing that may pass by itself fails a link at once."""
    watcher = backend.watch()
    await watcher.snapshot()
    hold(backend, times=1)
    backend.sandbox.fault("api/backendError", endpoint="freebusy", user=ANN)
    assert members(await once_asked(backend, query(backend, "all"))) == ([], ["ann"])
    change = await watcher.until(lambda each: each.HasField("calendar_link"))
    assert change.calendar_link.state == links_pb.CALENDAR_LINK_STATE_DEGRADED
    assert change.calendar_link.cause.reason == cause_pb.CAUSE_REASON_PROVIDER_UNAVAILABLE
    assert (await backend.page("all")).accepting
    watcher.cancel()


async def test_an_assignment_takes_who_is_free_and_refuses_where_who_is_silent_is_needed(backend: Backend) -> None:
    hold(backend)
    assert holders(await once_asked(backend, assign(backend, "any", 24))) == ["ben"]
    refusal = await refused(once_asked(backend, assign(backend, "all", 48)))
    assert told(refusal) == ("FAILED_PRECONDITION", "TIME_UNKNOWN")
    assert refusal.metadata["unknown_account_ids"] == "ann"


async def test_a_caller_hears_the_answer_before_its_deadline(backend: Backend) -> None:
    """The setting alone would let it wait for a minute."""
    await backend.restart(availability_timeout="1m")
    hold(backend)
    deadline = timedelta(seconds=30)
    answer = await once_asked(backend, query(backend, "any", deadline), deadline)
    assert members(answer) == ([["ben"]], ["ann"])
    call = backend.appointments.AssignAppointment(booking(backend, "any", 24), timeout=deadline.total_seconds())
    assert holders((await once_asked(backend, call, deadline)).appointment) == ["ben"]
