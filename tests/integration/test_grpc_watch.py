"""The watch over a real socket, with a feed that does what a test says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import grpc.aio
import pytest

from calguard.v1 import watch_pb2, watch_pb2_grpc
from calguard_server.domain.errors import OutOfRangeError, UnavailableError
from calguard_server.grpc_api.server import build_server
from tests.integration.grpc_harness import Scripted, ScriptedFeed, refused, serving, use_cases_of
from tests.patience import PATIENCE_SECONDS


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
    await asyncio.wait_for(feed.closed.wait(), PATIENCE_SECONDS)


async def test_a_burst_of_streams_is_taken_up(channel: grpc.aio.Channel, feed: ScriptedFeed) -> None:
    feed.messages, feed.stays_open = [b""], True
    stub = watch_pb2_grpc.WatchServiceStub(channel)
    calls = [stub.Watch(watch_pb2.WatchRequest()) for _ in range(3000)]
    answers = await asyncio.gather(*(call.read() for call in calls))
    assert answers == [watch_pb2.WatchResponse()] * 3000
    for call in calls:
        call.cancel()


class Forwarder:
    """Hands connections on to a port, and counts them."""

    def __init__(self, port: int) -> None:
        self.connections = 0
        self._port = port
        self._writers: list[asyncio.StreamWriter] = []

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writers += (writer, to_writer)
        await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer), return_exceptions=True)

    async def close(self) -> None:
        for writer in self._writers:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in self._writers), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()


async def test_an_old_connection_takes_no_new_calls(feed: ScriptedFeed) -> None:
    """New calls go over a new connection after a while; a stream on the old one is left alone."""
    feed.messages, feed.stays_open = [b""], True
    use_cases = use_cases_of(Scripted(), feed)
    server = build_server(use_cases, "127.0.0.1", 0, connection_age=timedelta(milliseconds=200))
    await server.start()
    forwarder = Forwarder(server.port)
    listener = await asyncio.start_server(forwarder.forward, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel, asyncio.timeout(PATIENCE_SECONDS):
        stub = watch_pb2_grpc.WatchServiceStub(channel)
        stream = stub.Watch(watch_pb2.WatchRequest())
        await stream.read()
        while forwarder.connections < 2:
            another = stub.Watch(watch_pb2.WatchRequest())
            await another.read()
            another.cancel()
        assert not stream.done()
        stream.cancel()
    listener.close()
    await forwarder.close()
    await server.stop(10)
