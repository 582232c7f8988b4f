"""Traces by OpenTelemetry: one span a unary call, check, commit and delivery.

How much is sampled and how it is batched and sent is read from OTEL_* by OpenTelemetry itself, as its specification
says. Where the collector does not answer, spans are dropped, and nobody waits but the end of the server, for
`LAST_FLUSH`.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from importlib.metadata import version

import grpc
import structlog
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.tracing import Attribute

_log = structlog.get_logger()

LAST_FLUSH = timedelta(seconds=2)
"""How long the end of a server waits for the collector to take what is left."""

EXPORTERS: Mapping[str, Callable[[], SpanExporter]] = {"http/protobuf": HttpExporter, "grpc": GrpcExporter}
"""By OTEL_EXPORTER_OTLP_PROTOCOL."""

_UNNAMED = "unknown_service"
"""What OpenTelemetry calls, with the program's name, a service that OTEL_SERVICE_NAME does not name."""

_OURS = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE})
"""What a server is to blame for, as OpenTelemetry's conventions for gRPC have it, of what is answered here."""


class _Told:
    """A span of OpenTelemetry, as those who are traced see it."""

    __slots__ = ("_span",)

    def __init__(self, span: Span) -> None:
        self._span = span

    def tell(self, attributes: Mapping[str, Attribute]) -> None:
        """Add what is known by now."""
        self._span.set_attributes(attributes)


class Traces:
    """Collects spans and sends them by a protocol of `EXPORTERS`, in a thread of its own."""

    def __init__(self, protocol: str, clock: Clock) -> None:
        self._clock = clock
        named = Resource.create({"service.version": version("calguard")})
        if str(named.attributes["service.name"]).startswith(_UNNAMED):
            named = named.merge(Resource({"service.name": "calguard"}))
        self._provider = TracerProvider(resource=named, shutdown_on_exit=False)  # which waits as long as the exporter
        self._provider.add_span_processor(BatchSpanProcessor(EXPORTERS[protocol]()))
        self._tracer = self._provider.get_tracer("calguard")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str, attributes: Mapping[str, Attribute]) -> Iterator[_Told]:
        """Open a span. What is raised within marks it as failed, by its kind alone: texts may hold secrets."""
        with self._tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield _Told(span)
            except Exception as error:
                span.set_status(StatusCode.ERROR, type(error).__name__)
                raise

    @contextmanager
    def call(self, method: str, metadata: Sequence[tuple[str, str | bytes]]) -> Iterator[Callable[[str], None]]:
        """Open the span of a call to `/service/method`, as part of the caller's trace where it names one.

        What is entered is to be told the name of the call's status.
        """
        carrier = {key: value for key, value in metadata if isinstance(value, str)}
        service, _, name = method.removeprefix("/").rpartition("/")
        with self._tracer.start_as_current_span(
            f"{service}/{name}",
            context=self._propagator.extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield lambda code: _end(span, code)

    async def close(self) -> None:
        """Send what is left, within `LAST_FLUSH`; what is not sent by then is dropped."""
        sent = asyncio.ensure_future(self._send_the_rest())
        given_up = asyncio.ensure_future(self._clock.sleep(LAST_FLUSH))
        await asyncio.wait((sent, given_up), return_when=asyncio.FIRST_COMPLETED)
        if not sent.done():
            _log.warning("the collector of traces does not answer: spans that are left are dropped")
        for each in (sent, given_up):
            each.cancel()

    async def _send_the_rest(self) -> None:
        """Return once the collector has what is left, or the exporter gave up: as late as OTEL_* allows it.

        In a daemon thread, as nothing ends an exporter that waits for an answer: whatever has a pool of threads waits
        for all of them when the process ends.
        """
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            with suppress(RuntimeError):  # the loop is closed by now: nobody waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="last spans", daemon=True).start()
        await done.wait()


def _end(span: Span, code: str) -> None:
    span.set_attribute("rpc.response.status_code", code)
    if code in {each.name for each in _OURS}:
        span.set_status(StatusCode.ERROR, code)
