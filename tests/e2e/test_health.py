"""Health tells the truth: also of a database that does not take changes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from structlog.testing import capture_logs

from calguard_server.grpc_api.server import SERVICES
from tests.e2e.backend import Backend, running_backend
from tests.patience import PATIENCE_SECONDS

Status = health_pb2.HealthCheckResponse


async def healths(backend: Backend) -> set[int]:
    stub = health_pb2_grpc.HealthStub(backend.channel)
    answers = [await stub.Check(health_pb2.HealthCheckRequest(service=each)) for each in ("", *SERVICES)]
    return {answer.status for answer in answers}


async def until_health(backend: Backend, wanted: int) -> None:
    """Wait for it while time moves on."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await healths(backend) != {wanted}:
            backend.clock.advance(timedelta(seconds=1))
            await asyncio.to_thread(lambda: None)  # the store's thread has its turn


@asynccontextmanager
async def held(backend: Backend) -> AsyncIterator[sqlite3.Connection]:
    """Another program in a transaction that writes. It waits in a thread: a commit under way takes this loop to end."""
    with closing(sqlite3.connect(backend.database, isolation_level=None, check_same_thread=False)) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        yield other


async def http_status(backend: Backend) -> int:
    async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/healthz") as answer:
        return answer.status


async def test_a_database_that_another_program_holds(backend: Backend) -> None:
    """Every service says NOT_SERVING while it is held, what was called meanwhile is done once it is let go."""
    assert await healths(backend) == {Status.SERVING}
    assert await http_status(backend) == 200
    async with held(backend) as other:
        waiting = asyncio.ensure_future(backend.add_account("ann"))
        await until_health(backend, Status.NOT_SERVING)
        assert await http_status(backend) == 503
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await waiting).id == "ann"
    await until_health(backend, Status.SERVING)
    assert await http_status(backend) == 200


async def writable(backend: Backend) -> str:
    """What `/metrics` says."""
    async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next(line.split()[1] for line in lines if line.startswith("calguard_store_writable "))


async def test_a_database_that_is_held_for_longer_than_sqlite_waits(tmp_path: Path) -> None:
    """It is waited for again and again: the server says that it does not serve, goes on, and serves once it can."""
    with capture_logs() as logs:
        async with running_backend(tmp_path, lock_patience=timedelta(milliseconds=1)) as backend:
            async with held(backend) as other:
                waiting = asyncio.ensure_future(backend.add_account("ann"))
                await until_health(backend, Status.NOT_SERVING)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while not any("holds the database locked" in line["event"] for line in logs):
                        await asyncio.to_thread(lambda: None)
                assert await writable(backend) == "0.0"
                assert await http_status(backend) == 503
                assert not waiting.done()
                other.execute("ROLLBACK")
            assert (await waiting).id == "ann"
            await until_health(backend, Status.SERVING)
            assert await writable(backend) == "1.0"
            assert not backend.app.failed.done()
    assert [line for line in logs if line.get("exc_info")] == []


async def test_a_service_that_there_is_not(backend: Backend) -> None:
    stub = health_pb2_grpc.HealthStub(backend.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="calguard.v1.Nothing"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
