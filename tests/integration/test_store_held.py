"""The store while another program holds the database locked, for longer than SQLite itself waits."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from calguard_server.domain.errors import UnavailableError
from tests.fakes.service import Service, open_test_store, running_service
from tests.fakes.world import CountingIds, ManualClock
from tests.patience import PATIENCE_SECONDS

AT_ONCE = timedelta(milliseconds=1)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(tmp_path / "db", lock_patience=AT_ONCE) as running:
        yield running


@contextmanager
def held(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program, in the middle of a transaction that writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def until_told(logs: list[EventDict]) -> None:
    """Return once the lock was met by a commit."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not logs:
            await asyncio.to_thread(lambda: None)


async def test_changes_wait_and_who_gave_up_is_left_out(service: Service, tmp_path: Path) -> None:
    """Nobody is refused, whoever asks meanwhile waits with the others, and it is told once."""
    with capture_logs() as logs, held(tmp_path / "db") as other:
        waiting = asyncio.ensure_future(service.add_account("ann"))
        leaving = asyncio.ensure_future(service.add_account("ben"))
        await until_told(logs)
        later = asyncio.ensure_future(service.add_account("cas"))
        leaving.cancel()
        assert [account.id for account in await service.store.accounts("", 10)] == []
        assert not waiting.done()
        other.execute("ROLLBACK")
        await asyncio.gather(waiting, later)
        assert [account.id for account in await service.store.accounts("", 10)] == ["ann", "cas"]
    assert [(line["log_level"], line.get("exc_info")) for line in logs] == [("error", None)]
    assert not service.store.writer.failed.done()


async def test_a_store_that_is_closed_refuses_what_waits(tmp_path: Path) -> None:
    """The end of a server does not wait for another program; nothing of what was refused is there afterwards."""
    store = await open_test_store(tmp_path / "db", ManualClock(), CountingIds(), lock_patience=AT_ONCE)
    with capture_logs() as logs, held(tmp_path / "db"):
        under_way = asyncio.ensure_future(store.probe())
        await until_told(logs)
        behind = asyncio.ensure_future(store.probe())
        await asyncio.to_thread(lambda: None)
        await store.close()
        for refused in (under_way, behind):
            with pytest.raises(UnavailableError, match="nothing was changed"):
                await refused
    async with running_service(tmp_path / "db", lock_patience=AT_ONCE) as service:
        await service.add_account("ann")
