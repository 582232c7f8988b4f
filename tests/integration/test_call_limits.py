"""The limits of calls at the gRPC server, over a real socket: each refusal has its status, its reason and its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
import structlog
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from calguard.v1 import account_pb2, account_pb2_grpc, watch_pb2, watch_pb2_grpc
from calguard_server.auth.authority import Authority
from calguard_server.auth.callers import Caller, Role
from calguard_server.auth.tokens import digest_of
from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.overload import OverloadOptions
from tests.fakes.world import ManualClock
from tests.integration.grpc_harness import Scripted, ScriptedFeed, info_of, refused, serving
from tests.patience import PATIENCE_SECONDS
from tests.unit.builders import make_account

_NONE_IS_TURNED_AWAY = OverloadOptions(target=0)
ANN = account_pb2.GetAccountRequest(id="ann")


class Hanging(Scripted):
    """Answers `get` when the test lets it, and notes that it was broken off."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.broken_off = 0

    async def get(self, account_id: str) -> object:
        self.begun.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.broken_off += 1
            raise
        return make_account(account_id)


@asynccontextmanager
async def limited(
    limits: Limits,
    script: Scripted | None = None,
    **more: Any,  # noqa: ANN401 - what serving takes
) -> AsyncIterator[tuple[grpc.aio.Channel, ScriptedFeed]]:
    script, feed = script or Scripted(), ScriptedFeed()
    script.answers["get"] = make_account("ann")
    async with (
        serving(script, feed, limits=limits, **more) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel, feed


def retry_of(error: grpc.aio.AioRpcError) -> timedelta:
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in rpc_status.from_call(error).details)
    return retry.retry_delay.ToTimedelta()


async def test_a_caller_over_its_rate_is_told_when_to_call_again() -> None:
    """RESOURCE_EXHAUSTED `RATE_LIMIT` with RetryInfo; a token later it is served again. Opening a watch is a call."""
    time = [0.0]
    limits = Limits(caller_rate=4, caller_burst=2, overload=_NONE_IS_TURNED_AWAY)
    async with limited(limits, timer=lambda: time[0]) as (channel, feed):
        accounts, watches = account_pb2_grpc.AccountServiceStub(channel), watch_pb2_grpc.WatchServiceStub(channel)
        for _ in range(2):
            await accounts.GetAccount(ANN)
        for call in (accounts.GetAccount(ANN), watches.Watch(watch_pb2.WatchRequest()).read()):
            error = await refused(call)
            assert (error.code().name, info_of(error).reason) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT")
            assert retry_of(error) == timedelta(milliseconds=250)
        assert feed.callers == []
        await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())  # a load balancer's is free
        time[0] += 0.25
        await accounts.GetAccount(ANN)


async def test_each_caller_has_a_rate_of_its_own_by_name() -> None:
    """Two tokens of one name share it; an address has none to share with others once callers are known."""
    tokens = {"t1": "booking", "t2": "booking", "t3": "dashboard"}
    callers = {digest_of(token): Caller(name, Role.READER) for token, name in tokens.items()}
    limits = Limits(caller_rate=1, caller_burst=1, overload=_NONE_IS_TURNED_AWAY)
    authority = Authority(callers, ManualClock())
    async with limited(limits, timer=lambda: 0.0, authority=authority) as (channel, _):
        accounts = account_pb2_grpc.AccountServiceStub(channel)

        async def code_for(token: str) -> str:
            try:
                await accounts.GetAccount(ANN, metadata=(("authorization", f"Bearer {token}"),))
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

        assert [await code_for(token) for token in ("t1", "t2", "t3", "unknown")] == [
            "OK",
            "RESOURCE_EXHAUSTED",
            "OK",
            "UNAUTHENTICATED",
        ]


async def test_a_call_without_a_deadline_ends_all_the_same() -> None:
    """DEADLINE_EXCEEDED `CALL_TIMEOUT`; its work is broken off, and the next call is served."""
    script = Hanging()
    limits = Limits(call_timeout=timedelta(milliseconds=50), overload=_NONE_IS_TURNED_AWAY)
    async with limited(limits, script) as (channel, _):
        accounts = account_pb2_grpc.AccountServiceStub(channel)
        for count in (1, 2):
            error = await refused(accounts.GetAccount(ANN))
            assert (error.code().name, info_of(error).reason) == ("DEADLINE_EXCEEDED", "CALL_TIMEOUT")
            assert script.broken_off == count
        script.go_on.set()
        assert (await accounts.GetAccount(ANN)).account.id == "ann"


async def test_what_is_under_way_when_a_drain_ends_is_told_why() -> None:
    """UNAVAILABLE `SERVER_DRAINING` with RetryInfo, and not grpc's bare one; its work is broken off."""
    script = Hanging()
    async with (
        serving(script, ScriptedFeed(), limits=Limits(overload=_NONE_IS_TURNED_AWAY)) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        call = asyncio.ensure_future(account_pb2_grpc.AccountServiceStub(channel).GetAccount(ANN))
        await script.begun.wait()
        await server.drain(0)
        await server.stop(PATIENCE_SECONDS)
        error = await refused(call)
        assert (error.code().name, info_of(error).reason) == ("UNAVAILABLE", "SERVER_DRAINING")
        assert retry_of(error) == timedelta(seconds=1)
        assert script.broken_off == 1


async def test_a_caller_that_gives_up_ends_its_call() -> None:
    script = Hanging()
    async with limited(Limits(overload=_NONE_IS_TURNED_AWAY), script) as (channel, _):
        call = account_pb2_grpc.AccountServiceStub(channel).GetAccount(ANN)
        task = asyncio.ensure_future(call)
        await script.begun.wait()
        call.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not script.broken_off:
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_more_calls_at_a_time_than_are_let_in() -> None:
    """UNAVAILABLE `OVERLOADED`; what is under way is served to its end."""
    script = Hanging()
    async with limited(Limits(calls_max=1, overload=_NONE_IS_TURNED_AWAY), script) as (channel, _):
        accounts = account_pb2_grpc.AccountServiceStub(channel)
        first = asyncio.ensure_future(accounts.GetAccount(ANN))
        await script.begun.wait()
        error = await refused(accounts.GetAccount(ANN))
        assert (error.code().name, info_of(error).reason) == ("UNAVAILABLE", "OVERLOADED")
        assert retry_of(error) == timedelta(seconds=1)
        script.go_on.set()
        assert (await first).account.id == "ann"


async def test_overload_turns_calls_away_but_for_health_and_watches() -> None:
    """UNAVAILABLE `OVERLOADED` with RetryInfo while the server's own calls wait too long, and not after that.

    By this timer each look at it comes a second later than the one before, so whatever waits has waited for seconds.
    """
    step, elapsed = [1.0], [0.0]

    def timer() -> float:
        elapsed[0] += step[0]
        return elapsed[0]

    limits = Limits(overload=OverloadOptions(target=0.5, interval=1, few=0))
    script = Scripted()
    async with limited(limits, script, timer=timer) as (channel, feed):
        accounts = account_pb2_grpc.AccountServiceStub(channel)
        feed.messages, feed.stays_open = [b""], True
        with structlog.testing.capture_logs() as logs:
            error = await until_refused(accounts)
        assert (error.code().name, info_of(error).reason) == ("UNAVAILABLE", "OVERLOADED")
        assert retry_of(error) == timedelta(seconds=1)
        assert ("grpc-retry-pushback-ms", "1000") in list(error.trailing_metadata() or ())
        assert {line["log_level"] for line in logs if line["event"].startswith("overloaded")} == {"warning"}
        begun = len(script.calls)
        outcomes = await asyncio.gather(*(accounts.GetAccount(ANN) for _ in range(20)), return_exceptions=True)
        answered = [each for each in outcomes if isinstance(each, account_pb2.GetAccountResponse)]
        assert len(script.calls) - begun == len(answered)  # of what was refused nothing was begun
        health = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        watch = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest())
        assert await watch.read() == watch_pb2.WatchResponse()
        watch.cancel()
        step[0] = 0.0
        await until_served(accounts)


async def until_refused(accounts: Any) -> grpc.aio.AioRpcError:  # noqa: ANN401 - a stub
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await asyncio.gather(*(accounts.GetAccount(ANN) for _ in range(20)))
            except grpc.aio.AioRpcError as error:
                return error


async def until_served(accounts: Any) -> None:  # noqa: ANN401 - a stub
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await asyncio.gather(*(accounts.GetAccount(ANN) for _ in range(20)))
            except grpc.aio.AioRpcError:
                continue
            return
