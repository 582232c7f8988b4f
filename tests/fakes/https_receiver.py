"""An https server over a real socket that takes one request a connection, and behaves as a test says."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from calguard_sandbox.smtp.certificate import certificate_and_key, server_context

HOST = "127.0.0.1"


class Manner(Enum):
    """What becomes of a connection, in place of an answer."""

    SILENT_AT_CONNECT = auto()
    DROP_AT_CONNECT = auto()
    SILENT = auto()
    DROP = auto()
    GARBAGE = auto()
    CUT_SHORT = auto()
    ENDLESS_HEADERS = auto()
    ENDLESS_BODY = auto()


@dataclass(frozen=True)
class Answer:
    """An answer, with more headers as they are written on the wire."""

    status: int = 200
    headers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Received:
    """A request: its first line, its headers by their names in small letters, and its body."""

    line: str
    headers: dict[str, str]
    body: str


_BEFORE_TLS = (Manner.SILENT_AT_CONNECT, Manner.DROP_AT_CONNECT)
_WITHOUT_BODY = (204, 304)
_OK = b"HTTP/1.1 200 OK\r\n"


@dataclass
class HttpsReceiver:
    """Answers each request by `behaviour`; `received` has all that came, also what was not answered."""

    behaviour: Answer | Manner = field(default_factory=Answer)
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    server: asyncio.Server | None = None
    _serving: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/notices?token=in-the-query"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection until it ends, or the receiver does."""
        serving = asyncio.current_task()
        assert serving is not None
        self._serving.add(serving)
        serving.add_done_callback(self._serving.discard)
        self.connections += 1
        try:
            # cancelled only when the receiver ends; asyncio's streams complain of a handler that is
            with suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.behaviour not in _BEFORE_TLS:
            await writer.start_tls(server_context(HOST))
            self.received.append(await _read(reader))
        await self._behave(writer)

    async def close(self) -> None:
        """Listen no more, and end every connection."""
        if self.server is not None:
            self.server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _behave(self, writer: asyncio.StreamWriter) -> None:
        match self.behaviour:
            case Answer(status, headers):
                sized = [] if status in _WITHOUT_BODY else ["Content-Length: 2"]
                lines = [f"HTTP/1.1 {status} So it is", *sized, *headers, "", "ok" if sized else ""]
                writer.write("\r\n".join(lines).encode())
            case Manner.SILENT_AT_CONNECT | Manner.SILENT:
                await asyncio.Event().wait()
            case Manner.DROP_AT_CONNECT | Manner.DROP:
                return
            case Manner.GARBAGE:
                writer.write(b"\x15\x03\x01 this is not HTTP\r\n\r\n")
            case Manner.CUT_SHORT:
                writer.write(_OK[:-2])
            case Manner.ENDLESS_HEADERS:
                await _write_on(writer, _OK, b"X-More: and more\r\n" * 1000)
            case Manner.ENDLESS_BODY:
                await _write_on(writer, _OK + b"Transfer-Encoding: chunked\r\n\r\n", b"400\r\n" + b"x" * 1024 + b"\r\n")
        await writer.drain()


async def _read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *rest = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (each.partition(":") for each in rest)}
    assert len(headers) == len(rest), "a header came twice"
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(line, headers, body.decode())


async def _write_on(writer: asyncio.StreamWriter, first: bytes, more: bytes) -> None:
    writer.write(first)
    while not writer.is_closing():
        writer.write(more)
        await writer.drain()


@asynccontextmanager
async def https_receiver(port: int = 0) -> AsyncIterator[HttpsReceiver]:
    """Run a receiver; its connections are ended with it."""
    receiver = HttpsReceiver()
    receiver.server = await asyncio.start_server(receiver.serve, HOST, port)
    receiver.port = receiver.server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        await receiver.close()


def certificate_file(folder: Path) -> Path:
    """Write the receivers' certificate, which a client trusts as an authority."""
    path = folder / "receiver.pem"
    path.write_text(certificate_and_key(HOST)[0], encoding="ascii")
    return path
