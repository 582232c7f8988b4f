"""A collector of traces, as OpenTelemetry's protocol over HTTP has it."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.patience import PATIENCE_SECONDS


class TraceCollector:
    """Keeps what it is sent; `resource` is who sent it."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}
        self.raw = b""
        self.url = ""
        self._grown = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw += body
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource |= {each.key: each.value.string_value for each in part.resource.attributes}
            self.spans.extend(span for scope in part.scope_spans for span in scope.spans)
        self._grown.set()
        return web.Response(content_type="application/x-protobuf")

    async def until(self, found: Callable[[Span], bool]) -> Span:
        """The first span that is as wished, once there is one."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self._grown.clear()
                if span := next(filter(found, self.spans), None):
                    return span
                await self._grown.wait()


def attributes_of(span: Span) -> dict[str, str | int]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in span.attributes}


@asynccontextmanager
async def collecting() -> AsyncIterator[TraceCollector]:
    """Run a collector on loopback."""
    collector = TraceCollector()
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    collector.url = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        await runner.cleanup()


class SilentCollector:
    """Takes connections and what comes on them, and never answers."""

    def __init__(self) -> None:
        self.url = ""
        self._asked = asyncio.Event()

    async def asked(self) -> None:
        """Return once something was sent."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._asked.wait()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await reader.read(65_536):
                self._asked.set()
        except ConnectionResetError:  # whoever sent it has ended
            return
        finally:
            writer.close()


@asynccontextmanager
async def never_answering() -> AsyncIterator[SilentCollector]:
    """Listen on loopback, and never answer."""
    collector = SilentCollector()
    server = await asyncio.start_server(collector.take, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    collector.url = f"http://{host}:{port}"
    try:
        yield collector
    finally:
        server.close()
