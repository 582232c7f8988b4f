"""Faults at Google and on the way there, as a probe over real HTTP meets them."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from calguard_sandbox.smtp.certificate import server_context
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import ProbeRequest
from calguard_server.google.answers import TransportFailure
from calguard_server.google.provider import GoogleCalendarProvider
from tests.integration.google_harness import ANN, TEAM, World, raw_server, reasons, sends, world

NETWORK = [(CauseReason.NETWORK_ERROR, "")]
UNAVAILABLE = [(CauseReason.PROVIDER_UNAVAILABLE, "")]


@pytest.fixture
async def google() -> AsyncIterator[World]:
    async with world() as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("token/invalid_rapt", CauseReason.SESSION_POLICY),
        ("token/admin_policy_enforced", CauseReason.ADMIN_BLOCKED),
        ("token/deleted_client", CauseReason.APP_MISCONFIGURED),
        ("token/200_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("token/503_html", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/notACalendarUser", CauseReason.CALENDAR_SERVICE_OFF),
        ("api/accessNotConfigured", CauseReason.APP_MISCONFIGURED),
        ("api/dailyLimitExceeded", CauseReason.QUOTA_EXHAUSTED),
        ("api/200_truncated", CauseReason.PROVIDER_UNAVAILABLE),
        ("api/504_empty", CauseReason.PROVIDER_UNAVAILABLE),
    ],
)
async def test_faults_over_the_wire(google: World, fault: str, expected: CauseReason) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint="token" if fault.startswith("token/") else "freebusy")
    assert reasons(await google.probe(grant, ANN)) == [(expected, "")]


async def test_what_google_asks_to_wait_is_told(google: World) -> None:
    grant = await google.grant()
    google.fault("api/429_rateLimitExceeded", endpoint="freebusy")
    (finding,) = (await google.probe(grant, ANN, add=TEAM)).findings
    assert finding == Finding(CauseReason.RATE_LIMITED, retry_after=timedelta(seconds=7))
    assert google.requests("calendarlist") == 0


async def test_a_deleted_account_is_told_by_the_refresh(google: World) -> None:
    grant = await google.grant()
    await google.probe(grant, ANN)
    google.sandbox.google.delete_account(ANN)
    assert reasons(await google.probe(grant, ANN)) == [(CauseReason.ACCOUNT_UNAVAILABLE, "")]


async def test_a_grant_without_a_refresh_token_is_incomplete(google: World) -> None:
    assert reasons(await google.probe(Grant(Secret(""), ()), ANN)) == [(CauseReason.AUTHORIZATION_INCOMPLETE, "")]
    assert google.requests("token") == 0


@pytest.mark.parametrize("fault", ["network/hang", "network/drop", "network/garbage"])
@pytest.mark.parametrize("endpoint", ["token", "freebusy"])
async def test_trouble_with_the_network_is_called_that(google: World, fault: str, endpoint: str) -> None:
    grant = await google.grant()
    google.fault(fault, endpoint=endpoint)
    provider = google.rewired(total_timeout=timedelta(milliseconds=200))
    assert reasons(await provider.probe(ProbeRequest("link", grant, (ANN,), ""))) == NETWORK


async def test_a_refused_connection_is_trouble_with_the_network(google: World) -> None:
    async with raw_server(sends()) as address:
        provider = google.rewired(token_uri=address)
    assert await provider._transport.send("GET", address) is TransportFailure.NOT_CONNECTED
    assert reasons(await provider.probe(ProbeRequest("link", await google.grant(), (ANN,), ""))) == NETWORK


async def test_a_certificate_that_nobody_vouches_for_is_trouble_with_the_network(google: World) -> None:
    grant = await google.grant()
    async with raw_server(sends(b"HTTP/1.1 200 OK\r\n\r\n{}"), server_context("127.0.0.1")) as address:
        provider = google.rewired(token_uri=address)
        assert await provider._transport.send("GET", address) is TransportFailure.TLS_FAILED
        assert reasons(await provider.probe(ProbeRequest("link", grant, (ANN,), ""))) == NETWORK


class NoNames(AbstractResolver):
    """A resolver that knows no name."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(socket.EAI_NONAME, f"{host}:{port} ({family.name}) is not known")

    async def close(self) -> None:
        return None


async def test_a_name_that_does_not_resolve_is_trouble_with_the_network(google: World) -> None:
    grant = await google.grant()
    options = replace(google.options, token_uri="http://oauth2.invalid/token")
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=NoNames())) as session:
        provider = GoogleCalendarProvider(session, options, google.clock)
        assert await provider._transport.send("GET", options.token_uri) is TransportFailure.NAME_NOT_RESOLVED
        assert reasons(await provider.probe(ProbeRequest("link", grant, (ANN,), ""))) == NETWORK


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b'{"calendars"'], NETWORK, id="cut-short"),
        pytest.param([b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", b"not gzip"], NETWORK, id="not-gzip"),
        pytest.param([b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 10_000], UNAVAILABLE, id="too-large"),
        pytest.param([b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n"], UNAVAILABLE, id="redirect"),
    ],
)
async def test_answers_that_are_not_whole(google: World, pieces: list[bytes], expected: list[object]) -> None:
    grant = await google.grant()
    async with raw_server(sends(*pieces)) as address:
        provider = google.rewired(api_endpoint=address, answer_limit=4096)
        assert reasons(await provider.probe(ProbeRequest("link", grant, (ANN,), ""))) == expected
