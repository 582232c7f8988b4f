"""The watch over a real socket, with a feed that does what a test says."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest

from calguard.v1 import watch_pb2, watch_pb2_grpc
from calguard_server.domain.errors import OutOfRangeError, UnavailableError
from tests.integration.grpc_harness import Scripted, ScriptedFeed, refused, serving


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
