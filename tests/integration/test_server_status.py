"""What the server's status counts in a real store, how often it counts, and that it reads indexes alone."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from calguard_server.domain.appointment import EntryState
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import PageState, SchedulingMode
from calguard_server.engine.ports.counts import WorkCounts
from calguard_server.engine.ports.deliveries import DeliveryUpdate
from calguard_server.engine.ports.filters import LinkFilter
from calguard_server.engine.server_status import StatusReading
from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES
from tests.fakes.service import Service, of_each_channel, running_service
from tests.fakes.world import START
from tests.integration.test_engine import REVOKED

LEASE = timedelta(minutes=1)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(tmp_path / "db") as service:
        yield service


def reading_of(service: Service, watches: int = 0) -> StatusReading:
    return StatusReading(service.store, service.clock, "1.2.3", lambda: watches)


async def break_one_of_two(service: Service) -> None:
    """Ann's link fails: of the pages one stops, one is impaired, one is fine; Ann and the owner are owed notices."""
    for name in ("owner", "ann", "bob"):
        await service.add_account(name)
    link = await service.link("ann")
    await service.link("bob")
    await service.add_page("all", SchedulingMode.ALL_MEMBERS, "owner", "ann", "bob")
    await service.add_page("any", SchedulingMode.ANY_MEMBER, "owner", "ann", "bob")
    await service.add_page("fine", SchedulingMode.ALL_MEMBERS, "owner", "bob")
    service.provider.findings[link.id] = REVOKED
    service.clock.advance(timedelta(minutes=5))
    await service.checks.check_now(link.id)


async def test_an_empty_store(service: Service) -> None:
    """Every state is named, with nothing in it."""
    status = await reading_of(service, watches=3).read()
    assert status.links == dict.fromkeys(LinkState, 0)
    assert status.pages == dict.fromkeys(PageState, 0)
    assert (status.revision, status.unsent, status.oldest_unsent_time, status.dead) == (0, 0, None, 0)
    assert (status.version, status.watches, status.start_time) == ("1.2.3", 3, START)


async def test_links_and_pages_by_state(service: Service) -> None:
    await break_one_of_two(service)
    status = await reading_of(service).read()
    assert status.links == dict.fromkeys(LinkState, 0) | {LinkState.LINKED: 1, LinkState.FAILED: 1}
    assert status.pages == {PageState.LINKED: 1, PageState.DEGRADED: 1, PageState.STOPPED: 1}
    assert status.revision == await service.store.revision()


async def test_a_page_that_is_stopped_counts_once_whoever_stopped_it(service: Service) -> None:
    await break_one_of_two(service)
    for page in ("all", "fine"):
        await service.pages.stop(page)
    assert (await reading_of(service).read()).pages[PageState.STOPPED] == 2


async def test_notices_are_unsent_until_they_are_sent_or_given_up(service: Service) -> None:
    """A claimed one is unsent still; the oldest is the first that was owed, whenever it is tried next."""
    await break_one_of_two(service)
    owed = service.clock.now()
    reading = reading_of(service)
    before = await reading.read()
    assert before.unsent > 1
    assert (before.oldest_unsent_time, before.dead) == (owed, 0)

    service.clock.advance(timedelta(minutes=1))
    claimed = await service.store.claim_deliveries(service.clock.now(), LEASE, of_each_channel(100))
    assert (await reading.read()).unsent == before.unsent
    ends = [DeliveryState.DEAD, *[DeliveryState.SENT] * (len(claimed) - 1)]
    updates = [
        DeliveryUpdate(each.delivery.id, each.delivery.fence, state, 1, None)
        for each, state in zip(claimed, ends, strict=True)
    ]
    await service.store.update_deliveries(updates)
    service.clock.advance(timedelta(seconds=1))
    after = await reading.read()
    assert (after.unsent, after.dead) == (before.unsent - len(claimed), 1)


async def test_it_is_counted_once_a_second_however_many_ask(service: Service) -> None:
    """All are told the same reading until it is a second old, at the time when it was made."""
    reading = reading_of(service)
    first, same = await asyncio.gather(reading.read(), reading.read())
    assert first is same
    await service.add_account("ann")
    await service.link("ann")
    service.clock.advance(timedelta(milliseconds=999))
    assert await reading.read() is first
    service.clock.advance(timedelta(milliseconds=1))
    second = await reading.read()
    assert (second.links[LinkState.LINKED], second.read_time - first.read_time) == (1, timedelta(seconds=1))
    assert second.revision > first.revision


def test_counting_reads_no_table() -> None:
    """It stays cheap with a million links: each part of the statement reads an index alone, or one row by its key."""
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {QUERIES['status_counts']}")]
    reads = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert len(reads) == 8
    assert [step for step in reads if "COVERING INDEX" not in step] == [
        "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)"
    ]


def test_counting_work_reads_partial_indexes_alone() -> None:
    """What waits is found among what waits, however much there is that does not."""
    with closing(sqlite3.connect(":memory:")) as connection:
        migrate(connection)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {QUERIES['work_counts']}")]
    reads = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert [re.findall(r"INDEX (\w+)", step) for step in reads] == [
        ["links_due"],
        ["links_due_failing"],
        ["entries_due"],
        ["entries_undone"],
        ["incidents_open"],
        ["incidents_open_of_link"],
    ]


async def test_work_that_waits(service: Service) -> None:
    """When the longest due check is due, and the incidents that are open."""
    assert await service.store.work_counts() == WorkCounts(
        None, None, {EntryState.NOT_ADDED: 0, EntryState.REMOVING: 0}, 0
    )
    await break_one_of_two(service)
    counts = await service.store.work_counts()
    links = await service.store.links(LinkFilter(), "", 10)
    assert counts.oldest_due_check == min(each.next_check_time for each in links if each.next_check_time)
    assert counts.open_incidents == 1
