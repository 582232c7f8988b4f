"""Connections that do not behave, at a server that goes on: silent by the thousand, slow, and pinging without end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.backend import Backend
from tests.e2e.operating import operating
from tests.fakes.certificates import SERVER_NAMES, authority
from tests.patience import PATIENCE_SECONDS

MANY = 1_000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = bytes.fromhex("000000 04 00 00000000")
PING = bytes.fromhex("000008 06 00 00000000") + b"8 bytes."
GOAWAY, ENHANCE_YOUR_CALM = 7, 11
UNFINISHED_HEADERS = bytes.fromhex("000005 01 00 00000001") + b"\x83\x86"
"""A frame of headers that promises five bytes and brings two."""

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connections(port: int, count: int, begun: bytes) -> AsyncIterator[list[Connection]]:
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    for _, writer in opened:
        writer.write(begun)
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for _, writer in opened), return_exceptions=True)


async def served(backend: Backend) -> None:
    """A call over a connection of its own, and a request over HTTP, are answered before long."""
    channel = backend.open_channel()
    await backend.soon(backend.notifications())
    await channel.close()
    async with (
        aiohttp.ClientSession() as browser,
        browser.get(f"http://127.0.0.1:{backend.app.http_port}/healthz") as answer,
    ):
        assert answer.status == 200


@pytest.mark.parametrize("begun", [b"", PREFACE, PREFACE + SETTINGS + UNFINISHED_HEADERS])
async def test_a_thousand_silent_connections_to_grpc(backend: Backend, begun: bytes) -> None:
    """Opened and left alone, at any point of the greeting: others are served, new connections are taken."""
    async with connections(backend.app.port, MANY, begun):
        await backend.add_account("ann")
        await served(backend)
    await served(backend)


@pytest.mark.parametrize("begun", [b"", b"GET /healthz HTTP/1.1\r\nX-Slow: "])
async def test_a_thousand_silent_connections_to_http(backend: Backend, begun: bytes) -> None:
    async with connections(backend.app.http_port, MANY, begun):
        await served(backend)
    await served(backend)


async def test_a_greeting_that_never_comes_is_not_waited_for(backend: Backend) -> None:
    """GRPC hangs up on a connection without a greeting after ten seconds."""
    async with connections(backend.app.port, 3, b"") as opened, asyncio.timeout(PATIENCE_SECONDS):
        for reader, _ in opened:
            while await reader.read(1024):
                pass


async def test_slow_streams(backend: Backend) -> None:
    """A hundred calls whose requests come byte by byte hold up nobody."""
    head, tail = (PREFACE + SETTINGS)[:30], (PREFACE + SETTINGS)[30:] + UNFINISHED_HEADERS
    async with connections(backend.app.port, 100, head) as opened:
        for byte in tail:
            for _, writer in opened:
                writer.write(bytes([byte]))
            await backend.soon(backend.notifications())
        await served(backend)


async def test_who_pings_too_often_is_sent_away(backend: Backend) -> None:
    """GOAWAY with ENHANCE_YOUR_CALM and `too_many_pings`; others go on."""
    async with (
        connections(backend.app.port, 1, PREFACE + SETTINGS + PING * 10) as [(reader, _)],
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while True:
            head = await reader.readexactly(9)
            frame = await reader.readexactly(int.from_bytes(head[:3]))
            if head[3] == GOAWAY:
                break
        assert (int.from_bytes(frame[4:8]), frame[8:]) == (ENHANCE_YOUR_CALM, b"too_many_pings")
    await served(backend)


@pytest.mark.parametrize(("verbosity", "told"), [("", False), ("INFO", True)])
async def test_greetings_that_fail_are_no_lines_of_the_log(tmp_path: Path, verbosity: str, *, told: bool) -> None:
    """Standard error stays empty, unless the environment says that gRPC is to tell."""
    cert, key = authority().issue(*SERVER_NAMES).write(tmp_path, "server")
    async with operating(tmp_path) as operation:
        operation.set(tls_cert=str(cert), tls_key=str(key))
        if verbosity:
            operation.environment["GRPC_VERBOSITY"] = verbosity
        process = await operation.launch()
        async with connections(await process.port(), 20, b"GET / HTTP/1.1\r\n\r\n") as opened:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for reader, _ in opened:
                    while await reader.read(1024):
                        pass
        process.terminate()
        assert await process.ended() == 0
    assert ("Handshake" in process.complaints) is told
    assert bool(process.complaints) is told
