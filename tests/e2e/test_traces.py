"""Traces of a real server, as a collector receives them."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc.aio
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard_server.store_settings import SettingsError
from calguard_server.telemetry.traces import EXPORTERS
from calguard_server.tracing_settings import read_tracing_settings
from tests.e2e.operating import Operation, Serving, operating
from tests.e2e.stubs import ALL
from tests.e2e.trace_collector import TraceCollector, attributes_of, collecting, never_answering
from tests.leaks import URL_SECRET

GET = "calguard.v1.BookingPageService/GetBookingPage"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
NOWHERE = "http://127.0.0.1:9"
AN_HOUR = "3600"


@pytest.fixture
async def collector() -> AsyncIterator[TraceCollector]:
    async with collecting() as collector:
        yield collector


@pytest.fixture
async def operation(tmp_path: Path) -> AsyncIterator[Operation]:
    """Whose servers check links every second."""
    async with operating(tmp_path) as operation:
        operation.set(check_interval="1s", notice_group_wait="0s")
        yield operation


async def traced(operation: Operation, collector_url: str) -> Serving:
    operation.environment |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
    }
    return await operation.serve()


async def test_a_call_is_part_of_its_callers_trace(operation: Operation, collector: TraceCollector) -> None:
    """Its span has the service, the method and the status; a refusal that is the caller's is no error of ours."""
    stubs = (await traced(operation, collector.url)).stubs
    with pytest.raises(grpc.aio.AioRpcError):
        await stubs.pages.GetBookingPage(pages_pb.GetBookingPageRequest(id="none"), metadata=TRACEPARENT)
    span = await collector.until(lambda span: span.name == GET)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.kind == Span.SPAN_KIND_SERVER
    assert attributes_of(span) == {
        "rpc.system": "grpc",
        "rpc.service": "calguard.v1.BookingPageService",
        "rpc.method": "GetBookingPage",
        "rpc.response.status_code": "NOT_FOUND",
    }
    assert span.status.code == Status.STATUS_CODE_UNSET
    assert collector.resource["service.name"] == "calguard"


async def test_calls_commits_checks_and_deliveries(operation: Operation, collector: TraceCollector) -> None:
    """Each has a span with the ids that it is about; people, texts and secrets are in none."""
    serving = await traced(operation, collector.url)
    stubs = serving.stubs
    await stubs.add_account("ann")
    made = await operation.link(stubs, "ann")
    await stubs.add_page("all", ALL, "ann", "ann")
    call = await collector.until(lambda span: span.name == "calguard.v1.AccountService/CreateAccount")
    assert attributes_of(call)["rpc.response.status_code"] == "OK"
    commit = await collector.until(lambda span: span.name == "commit")
    assert int(attributes_of(commit)["calguard.units"]) >= 1
    assert operation.sandbox.google.revoke("ann@example.com")
    check = await collector.until(lambda span: attributes_of(span).get("calguard.reason") == "CONFIRMED")
    assert (check.name, attributes_of(check)["calguard.calendar_link_id"]) == ("check", made.id)
    delivery = await collector.until(lambda span: span.name == "delivery")
    assert attributes_of(delivery)["calguard.outcome"] == "SENT"
    assert await serving.stop() == 0
    assert b"example.com" not in collector.raw
    assert b"xoxb" not in collector.raw


async def test_a_collector_that_is_gone_holds_nothing_up(operation: Operation) -> None:
    """Spans are dropped; the server serves, and ends in good order."""
    serving = await traced(operation, NOWHERE)
    await serving.stubs.add_account("ann")
    await serving.process.until("Failed to export")
    assert await serving.stop() == 0
    assert "Traceback" not in serving.process.printed
    assert serving.process.complaints == ""
    assert [each for each in serving.process.events if each["event"] == "stopping"]


@pytest.mark.parametrize("protocol", sorted(EXPORTERS))
async def test_a_collector_that_never_answers_does_not_keep_the_server(operation: Operation, protocol: str) -> None:
    """An exporter may wait for an hour, and the server ends in good order: not by its deadline, whose code is 70."""
    operation.environment |= {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_TIMEOUT": AN_HOUR}
    async with never_answering() as collector:
        operation.environment |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "20"}
        serving = await operation.serve()
        await serving.stubs.add_account("ann")
        await collector.asked()
        assert await serving.stop() == 0
    [told] = [each["event"] for each in serving.process.events if "spans that are left" in str(each["event"])]
    assert told == "the collector of traces does not answer: spans that are left are dropped"
    assert serving.process.complaints == ""


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
async def test_a_collectors_keys_are_not_logged(operation: Operation, protocol: str) -> None:
    """Neither those in its URL, which the library's own lines name, nor those in headers that it cannot read."""
    url = f"http://user:{URL_SECRET}@127.0.0.1:9/?apikey={URL_SECRET}"
    operation.environment |= {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_EXPORTER_OTLP_HEADERS": f"api-key:{URL_SECRET}",
    }
    serving = await traced(operation, url)
    await serving.stubs.add_account("ann")
    await serving.process.until("Failed to export" if protocol == "http/protobuf" else "while exporting traces")
    assert await serving.stop() == 0
    assert "Header format invalid" in serving.process.printed
    assert URL_SECRET not in serving.process.printed + serving.process.complaints


@pytest.mark.parametrize(
    ("given", "wanted", "protocol"),
    [
        ({}, False, "http/protobuf"),
        ({"exporter_otlp_endpoint": "http://127.0.0.1:4318"}, True, "http/protobuf"),
        ({"exporter_otlp_traces_endpoint": "http://127.0.0.1:4317"}, True, "http/protobuf"),
        ({"traces_exporter": "otlp", "exporter_otlp_protocol": "grpc"}, True, "grpc"),
        ({"traces_exporter": "otlp", "exporter_otlp_traces_protocol": "grpc"}, True, "grpc"),
        ({"traces_exporter": "none", "exporter_otlp_endpoint": "http://127.0.0.1:1"}, False, "http/protobuf"),
        ({"sdk_disabled": "true", "traces_exporter": "otlp"}, False, "http/protobuf"),
    ],
)
def test_when_traces_are_sent(given: dict[str, str], *, wanted: bool, protocol: str) -> None:
    settings = read_tracing_settings(**given)
    assert (settings.wanted, settings.protocol) == (wanted, protocol)


def test_a_protocol_that_is_not_spoken_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_PROTOCOL: .*'http/protobuf' or 'grpc'"):
        read_tracing_settings(exporter_otlp_protocol="http/json")
