"""Health tells the truth: also of a database that does not take changes."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import timedelta

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from calguard_server.grpc_api.server import SERVICES
from tests.e2e.backend import Backend
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


async def http_status(backend: Backend) -> int:
    async with backend.browser.get(f"http://127.0.0.1:{backend.app.http_port}/healthz") as answer:
        return answer.status


async def test_a_database_that_another_program_holds(backend: Backend) -> None:
    """Every service says NOT_SERVING while it is held, what was called meanwhile is done once it is let go."""
    assert await healths(backend) == {Status.SERVING}
    assert await http_status(backend) == 200
    with closing(sqlite3.connect(backend.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.ensure_future(backend.add_account("ann"))
        await until_health(backend, Status.NOT_SERVING)
        assert await http_status(backend) == 503
        assert not waiting.done()
        other.execute("ROLLBACK")
        assert (await waiting).id == "ann"
    await until_health(backend, Status.SERVING)
    assert await http_status(backend) == 200


async def test_a_service_that_there_is_not(backend: Backend) -> None:
    stub = health_pb2_grpc.HealthStub(backend.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(health_pb2.HealthCheckRequest(service="calguard.v1.Nothing"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
