"""The probe of the store: what health is told, and that a refusal is not the end of it."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from calguard_server.domain.errors import UnavailableError
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.workers.store_probe import StoreProbe
from tests.fakes.service import make_account, running_service
from tests.patience import PATIENCE_SECONDS

AT_ONCE = timedelta(milliseconds=1)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not reached():
            await asyncio.to_thread(lambda: None)


async def test_a_probe_that_is_refused_with_others_goes_on(tmp_path: Path) -> None:
    """It shares a commit with a change that cannot be saved: not writable for now, and writable the next time."""

    def put_what_cannot_be_saved(rows: WorkingSet) -> None:
        rows.put_account(make_account("odd", display_name=object()))

    told: list[bool] = []

    async def tell(writable: bool) -> None:  # noqa: FBT001 - as the probe tells it
        told.append(writable)

    async with running_service(tmp_path / "db", lock_patience=AT_ONCE) as service:
        database = tmp_path / "db"
        with capture_logs() as logs, closing(sqlite3.connect(database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            first = asyncio.ensure_future(service.add_account("ann"))
            await until(lambda: bool(logs))  # its commit has met the lock
            broken = asyncio.ensure_future(service.store.transact(Unit(Seeds(), put_what_cannot_be_saved)))
            probe = asyncio.ensure_future(StoreProbe(service.store, service.clock, tell).run())
            await until(lambda: len(service.store.writer._waiting) == 2)
            other.execute("ROLLBACK")
        await first
        with pytest.raises(UnavailableError):
            await broken
        async with asyncio.timeout(PATIENCE_SECONDS):
            while told != [False, True]:
                assert not probe.done()
                service.clock.advance(timedelta(seconds=2))
                await asyncio.to_thread(lambda: None)
        probe.cancel()
        with suppress(asyncio.CancelledError):
            await probe
