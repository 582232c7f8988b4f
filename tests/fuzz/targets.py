"""Where bytes go: to a method or a path that no method has, to the HTTP port, and to the gRPC port as no HTTP/2."""

import asyncio
import random
from typing import Any

import grpc
import grpc.aio

from tests.fuzz.mutation import Metadata, mutated, noise

CALL_SECONDS = 10.0
_ANSWER_SECONDS = 0.5
"""After which a request is taken for one that the server waits to be made whole: then we hang up first."""

_TOLD_BYTES = 4096

REQUESTS = tuple(
    text.encode()
    for text in (
        "GET /oauth/callback?state=abc&code=4/xyz HTTP/1.1\r\nHost: x\r\nAccept-Language: ja;q=0.5, en\r\n\r\n",
        "GET /oauth/callback?state=abc&error=access_denied HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /unsubscribe/djE.abcdef.ghi HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /unsubscribe/djE.abcdef.ghi HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=One-Click",
        "POST /slack/interactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text; version=1.0.0\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
)
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000000008060000000000") + b"8 bytes."


async def call(
    channel: grpc.aio.Channel, path: str, raw: bytes, metadata: Metadata | None, *, streams: bool
) -> grpc.StatusCode:
    """Call a method; of a stream, read one message. Answers the status."""
    try:
        if not streams:
            unary: Any = channel.unary_unary(path)
            await unary(raw, metadata=metadata, timeout=CALL_SECONDS)
            return grpc.StatusCode.OK
        opened: Any = channel.unary_stream(path)
        stream = opened(raw, metadata=metadata, timeout=CALL_SECONDS)
        try:
            await stream.read()
        finally:
            stream.cancel()
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def http_status(port: int, chance: random.Random) -> tuple[int, bytes]:
    """Send a request of which something is wrong; answers the status, 0 where there is none, and what was sent."""
    raw = mutated(chance.choice(REQUESTS), REQUESTS, chance) if chance.random() < 0.9 else noise(chance)
    told = await _sent(port, raw + b"\r\n\r\n")
    parts = told.split(b" ", 2)
    return int(parts[1]) if parts[0].startswith(b"HTTP/") else 0, raw


async def no_http2(port: int, chance: random.Random) -> None:
    """Send the gRPC port a greeting of which something is wrong."""
    await _sent(port, mutated(GREETING, REQUESTS, chance))


async def _sent(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await reader.read(_TOLD_BYTES)
    except (ConnectionError, TimeoutError):
        return b""
    finally:
        writer.close()
