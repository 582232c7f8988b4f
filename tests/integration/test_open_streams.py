"""What may be opened at the gRPC port has bounds: health's watches, calls without a request, reflection's streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from calguard_server.grpc_api.limits import Limits
from calguard_server.grpc_api.overload import OverloadOptions
from calguard_server.grpc_api.server import GrpcServer
from tests.integration.grpc_harness import Scripted, ScriptedFeed, info_of, refused, serving
from tests.patience import PATIENCE_SECONDS

NOBODY_IS_TURNED_AWAY = OverloadOptions(target=0)
ANY = health_pb2.HealthCheckRequest()
CHECK = "/grpc.health.v1.Health/Check"
LIST = reflection_pb2.ServerReflectionRequest(list_services="")
FILE = reflection_pb2.ServerReflectionRequest(file_containing_symbol="calguard.v1.AppointmentService")


@asynccontextmanager
async def limited(**limits: Any) -> AsyncIterator[tuple[grpc.aio.Channel, GrpcServer]]:  # noqa: ANN401 - as Limits has them
    bounds = Limits(overload=NOBODY_IS_TURNED_AWAY, **limits)
    async with (
        serving(Scripted(), ScriptedFeed(), limits=bounds, timer=lambda: 0.0) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel, server


def told(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    return error.code().name, info_of(error).reason


def opened(channel: grpc.aio.Channel, path: str = CHECK) -> Any:  # noqa: ANN401 - a call
    """A call that is opened, and sends no request."""
    call: Any = channel.stream_unary(path)
    return call()


async def test_watches_of_health_are_limited_and_checks_are_not() -> None:
    """RESOURCE_EXHAUSTED `STREAM_LIMIT`; one without a request takes no place, one that ends makes room for another."""
    async with limited(open_streams=3) as (channel, _):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        idle = [opened(channel, "/grpc.health.v1.Health/Watch") for _ in range(3)]
        watches = [stub.Watch(health_pb2.HealthCheckRequest(service=name)) for name in ("", "no.such.Service", "")]
        for watch in watches:
            await watch.read()
        error = await refused(stub.Watch(ANY).read())
        assert told(error) == ("RESOURCE_EXHAUSTED", "STREAM_LIMIT")
        assert info_of(error).metadata["limit"] == "3"
        assert (await stub.Check(ANY)).status == health_pb2.HealthCheckResponse.SERVING
        for call in (*idle, watches[0]):
            call.cancel()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await outcome(stub.Watch(ANY)):
                pass


async def test_one_address_leaves_places_to_others() -> None:
    """Those behind it are told how many it may have, while others are served."""
    async with (
        limited(open_streams=10, open_streams_share=1) as (channel, server),
        forwarding(server.port) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as other,
    ):
        first: Any = health_pb2_grpc.HealthStub(channel).Watch(ANY)
        await first.read()
        error = await refused(health_pb2_grpc.HealthStub(channel).Watch(ANY).read())  # type: ignore[union-attr]
        assert told(error) == ("RESOURCE_EXHAUSTED", "STREAM_LIMIT")
        assert "1 streams of grpc.health.v1.Health/Watch are open already" in str(error.details())
        second: Any = health_pb2_grpc.HealthStub(other).Watch(ANY)
        await second.read()
        second.cancel()


@asynccontextmanager
async def forwarding(port: int) -> AsyncIterator[int]:
    """A port of which the connections are handed on to another, from another address of this machine."""
    forwarded: list[asyncio.Task[None]] = []
    async with (
        asyncio.TaskGroup() as group,
        await asyncio.start_server(
            lambda *ends: forwarded.append(group.create_task(forward(port, *ends))), "127.0.0.1", 0
        ) as listening,
    ):
        yield listening.sockets[0].getsockname()[1]
        for each in forwarded:
            each.cancel()


async def forward(port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hand on what comes to a port, and back, until this is cancelled."""
    their_reader, their_writer = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
    try:
        await asyncio.gather(hand_on(reader, their_writer), hand_on(their_reader, writer))
    finally:
        for each in (writer, their_writer):
            each.close()
            await each.wait_closed()


async def hand_on(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while some := await source.read(65536):
        to.write(some)


async def outcome(watch: Any) -> str:  # noqa: ANN401 - a call
    """The reason that a watch is refused for; empty where it is served."""
    try:
        await watch.read()
    except grpc.aio.AioRpcError as error:
        return info_of(error).reason
    return ""


async def test_calls_without_a_request_make_room_for_those_that_have_one() -> None:
    """Those that are opened and send none are given up, the oldest first; a load balancer's are served meanwhile."""
    async with limited(waiting_max=2) as (channel, _):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        calls = []
        for _ in range(5):
            calls.append(opened(channel))
            await calls[-1].wait_for_connection()
            assert (await stub.Check(ANY)).status == health_pb2.HealthCheckResponse.SERVING
        ended = [await refused(call) for call in calls[:3]]
        assert [told(error) for error in ended] == [("RESOURCE_EXHAUSTED", "STREAM_LIMIT")] * 3
        for call in calls[3:]:
            call.cancel()


@pytest.mark.parametrize("path", [CHECK, "/grpc.health.v1.Health/List", "/grpc.health.v1.Health/Watch"])
async def test_a_request_that_never_comes_is_not_waited_for(path: str) -> None:
    async with limited(wait_seconds=0.05) as (channel, _):
        assert told(await refused(opened(channel, path))) == ("DEADLINE_EXCEEDED", "CALL_TIMEOUT")


async def test_a_call_that_ends_without_a_request_is_refused() -> None:
    async with limited() as (channel, _):
        call = opened(channel)
        await call.done_writing()
        assert told(await refused(call)) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE")


async def test_a_name_that_is_no_services_is_not_kept() -> None:
    async with limited() as (channel, _):
        stub: Any = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="x" * 201)
        for call in (stub.Check(request), stub.Watch(request).read()):
            error = await refused(call)
            assert told(error) == ("INVALID_ARGUMENT", "INVALID_FIELD")
            assert "service" in str(error.details())


async def test_each_question_of_reflection_counts_for_its_callers_rate() -> None:
    """Opening a stream with the first question is a call, and so is each further question."""
    async with limited(caller_rate=1, caller_burst=4) as (channel, _):
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        one, other = stub.ServerReflectionInfo(), stub.ServerReflectionInfo()
        for stream in (one, one, other, one):
            await stream.write(LIST)
            assert (await stream.read()).list_services_response.service
        await one.write(LIST)
        assert told(await refused(one.read())) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT")
        assert told(await refused(stub.ServerReflectionInfo().read())) == ("RESOURCE_EXHAUSTED", "RATE_LIMIT")
        await health_pb2_grpc.HealthStub(channel).Check(ANY)  # type: ignore[misc] # a load balancer's is free


async def test_streams_of_reflection_are_limited() -> None:
    async with limited(open_streams=1) as (channel, _):
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        stream = stub.ServerReflectionInfo()
        await stream.write(LIST)
        await stream.read()
        assert told(await refused(stub.ServerReflectionInfo().read())) == ("RESOURCE_EXHAUSTED", "STREAM_LIMIT")


async def test_what_does_not_end_by_itself_is_ended_with_the_server() -> None:
    """UNAVAILABLE `SERVER_DRAINING`, as any other call."""
    async with limited() as (channel, server):
        watch: Any = health_pb2_grpc.HealthStub(channel).Watch(ANY)
        stream: Any = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()  # type: ignore[no-untyped-call]
        await watch.read()
        await stream.write(LIST)
        await stream.read()
        stopping = asyncio.ensure_future(server.stop(PATIENCE_SECONDS))
        for call in (watch, stream):
            assert told(await refused(call.read())) == ("UNAVAILABLE", "SERVER_DRAINING")
        await stopping


async def test_what_waits_for_its_reader_is_ended_with_the_server() -> None:
    """Answers that nobody reads hold up no end, and whoever reads on is told at the end of them."""
    async with limited() as (channel, server):
        stream: Any = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()  # type: ignore[no-untyped-call]
        for _ in range(400):  # their answers, of megabytes, are more than is sent ahead
            await stream.write(FILE)
        stopping = asyncio.ensure_future(server.stop(PATIENCE_SECONDS))
        assert told(await refused(read_to_its_end(stream))) == ("UNAVAILABLE", "SERVER_DRAINING")
        await stopping


async def read_to_its_end(stream: Any) -> None:  # noqa: ANN401 - a call
    while await stream.read() is not grpc.aio.EOF:
        pass


async def test_a_connection_has_a_number_of_streams() -> None:
    """It is told when the connection begins: SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113)."""
    async with limited(connection_streams=1234) as (_, server):
        assert (await settings_of(server.port))[3] == 1234


async def settings_of(port: int) -> dict[int, int]:
    """The settings that a server greets with, by their numbers."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"))
        head = await reader.readexactly(9)
        assert head[3] == 4, "the first frame is no SETTINGS"
        raw = await reader.readexactly(int.from_bytes(head[:3]))
    finally:
        writer.close()
    return {int.from_bytes(raw[at : at + 2]): int.from_bytes(raw[at + 2 : at + 6]) for at in range(0, len(raw), 6)}
