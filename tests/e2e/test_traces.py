"""Traces of a real server, as a collector receives them."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.store_settings import SettingsError
from calguard_server.tracing_settings import read_tracing_settings
from tests.e2e.backend import settings_for
from tests.e2e.server_process import ServerProcess
from tests.e2e.stubs import ALL, Stubs, query_of
from tests.e2e.trace_collector import TraceCollector, attributes_of, collecting

GET = "calguard.v1.BookingPageService/GetBookingPage"
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = (("traceparent", f"00-{TRACE}-{PARENT}-01"),)
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
async def collector() -> AsyncIterator[TraceCollector]:
    async with collecting() as collector:
        yield collector


@asynccontextmanager
async def serving(folder: Path, sandbox: Sandbox, collector_url: str) -> AsyncIterator[tuple[ServerProcess, Stubs]]:
    """A server that checks its links every second."""
    settings = settings_for(sandbox, folder / "calguard.db") | {"check_interval": "1s", "google_redirect_uri": NOWHERE}
    environment = {f"CALGUARD_{name.upper()}": value for name, value in settings.items()} | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector_url,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
        "OTEL_BSP_SCHEDULE_DELAY": "20",
    }
    server = await ServerProcess.start(environment)
    try:
        stubs = Stubs(grpc.aio.insecure_channel(f"127.0.0.1:{await server.port()}"))
        yield server, stubs
        await stubs.channel.close()
    finally:
        await server.end()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="traces")) as sandbox:
        [client] = sandbox.google.clients.values()
        client.redirect_uris.add(NOWHERE)
        yield sandbox


async def link(stubs: Stubs, sandbox: Sandbox, account_id: str) -> links_pb.CalendarLink:
    """Link a calendar as a caller does that has the callback come to itself."""
    begun = await stubs.begin(account_id)
    landed = query_of(await sandbox.consent(begun.authorization_url, f"{account_id}@example.com", "all"))
    return await stubs.complete(begun.state, landed["code"])


async def test_a_call_is_part_of_its_callers_trace(tmp_path: Path, sandbox: Sandbox, collector: TraceCollector) -> None:
    """Its span has the service, the method and the status; a refusal that is the caller's is no error of ours."""
    async with serving(tmp_path, sandbox, collector.url) as (_, stubs):
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


async def test_calls_commits_checks_and_deliveries(tmp_path: Path, sandbox: Sandbox, collector: TraceCollector) -> None:
    """Each has a span with the ids that it is about; people, texts and secrets are in none."""
    async with serving(tmp_path, sandbox, collector.url) as (_, stubs):
        await stubs.add_account("ann")
        made = await link(stubs, sandbox, "ann")
        await stubs.add_page("all", ALL, "ann", "ann")
        call = await collector.until(lambda span: span.name == "calguard.v1.AccountService/CreateAccount")
        assert attributes_of(call)["rpc.response.status_code"] == "OK"
        commit = await collector.until(lambda span: span.name == "commit")
        assert int(attributes_of(commit)["calguard.units"]) >= 1
        assert sandbox.google.revoke("ann@example.com")
        check = await collector.until(lambda span: attributes_of(span).get("calguard.reason") == "CONFIRMED")
        assert (check.name, attributes_of(check)["calguard.calendar_link_id"]) == ("check", made.id)
        delivery = await collector.until(lambda span: span.name == "delivery")
        assert attributes_of(delivery)["calguard.outcome"] == "SENT"
    assert b"example.com" not in collector.raw
    assert b"xoxb" not in collector.raw


async def test_a_collector_that_is_gone_holds_nothing_up(tmp_path: Path, sandbox: Sandbox) -> None:
    """Spans are dropped; the server serves, and ends in good order."""
    async with serving(tmp_path, sandbox, NOWHERE) as (server, stubs):
        await stubs.add_account("ann")
        await server.until("Failed to export")
        server.send(signal.SIGTERM)
        assert await server.ended() == 0
        assert "Traceback" not in server.printed
        assert server.complaints == ""
        assert [each for each in server.events if each["event"] == "stopping"]


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
