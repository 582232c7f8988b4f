"""The watch over a real socket, with a feed that does what a test says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import grpc.aio
import pytest

from calguard.v1 import watch_pb2, watch_pb2_grpc
from calguard_server.domain.errors import OutOfRangeError, UnavailableError
from calguard_server.grpc_api.interceptors import ErrorInterceptor
from calguard_server.grpc_api.watch_service import WatchService, add_watch_service
from tests.integration.grpc_harness import Scripted, ScriptedFeed, info_of, refused, serving


@pytest.fixture
async def feed() -> ScriptedFeed:
    return ScriptedFeed()


@pytest.fixture
async def channel(feed: ScriptedFeed) -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving(Scripted(), feed) as server,
        grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        yield channel


async def test_the_feeds_bytes_go_out_as_they_are(channel: grpc.aio.Channel, feed: ScriptedFeed) -> None:
    sent = watch_pb2.WatchResponse(resume_token="t", progress=True)
    feed.messages = [sent.SerializeToString()] * 3
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    assert [each async for each in stub.Watch(watch_pb2.WatchRequest())] == [sent] * 3


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfRangeError("RESUME_TOKEN_EXPIRED", "watch again"), grpc.StatusCode.OUT_OF_RANGE),
        (UnavailableError("SERVER_DRAINING", "resume elsewhere"), grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_a_stream_ends_with_the_feeds_error(
    channel: grpc.aio.Channel, feed: ScriptedFeed, error: Exception, code: grpc.StatusCode
) -> None:
    feed.messages, feed.error = [b""], error
    call = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest())
    assert await call.read() == watch_pb2.WatchResponse()
    ended = await refused(call.read())
    assert (ended.code(), ended.details()) == (code, str(error))


async def test_a_watcher_that_leaves_closes_its_feed(channel: grpc.aio.Channel, feed: ScriptedFeed) -> None:
    feed.messages, feed.stays_open = [b""], True
    call = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest())
    await call.read()
    call.cancel()
    await asyncio.wait_for(feed.closed.wait(), 10)


async def test_a_burst_of_streams_is_taken_up(channel: grpc.aio.Channel, feed: ScriptedFeed) -> None:
    feed.messages, feed.stays_open = [b""], True
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    calls = [stub.Watch(watch_pb2.WatchRequest()) for _ in range(3000)]
    answers = await asyncio.gather(*(call.read() for call in calls))
    assert answers == [watch_pb2.WatchResponse()] * 3000
    for call in calls:
        call.cancel()


async def read_on(call: grpc.aio.UnaryStreamCall, received: list[object]) -> None:
    while (message := await call.read()) is not grpc.aio.EOF:
        received.append(message)


async def test_a_reader_that_does_not_read_is_given_up(feed: ScriptedFeed) -> None:
    """Its feed is closed at once; the reader learns of it when it reads on."""
    feed.messages = [watch_pb2.WatchResponse(resume_token="x" * 1_000_000).SerializeToString()] * 100
    server = grpc.aio.server(interceptors=(ErrorInterceptor(),))
    add_watch_service(WatchService(feed, write_timeout=timedelta(milliseconds=200)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = watch_pb2_grpc.WatchServiceStub(channel).Watch(watch_pb2.WatchRequest())
        await call.read()
        await asyncio.wait_for(feed.closed.wait(), 30)
        received: list[object] = []
        ended = await refused(read_on(call, received))
        assert len(received) < len(feed.messages)
        assert (ended.code(), info_of(ended).reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_CONSUMER")
    await server.stop(10)
