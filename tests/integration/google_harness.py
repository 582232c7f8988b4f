"""A provider in front of a sandbox: consent as a person gives it, and servers that misbehave below HTTP."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
from yarl import URL

from calguard_sandbox import Sandbox
from calguard_server.domain.causes import CauseReason
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import AuthorizationRequest, Consent, Probe, ProbeRequest
from calguard_server.google.options import GoogleOptions
from calguard_server.google.pacer import Quotas
from calguard_server.google.provider import GoogleCalendarProvider

ANN = "ann@example.com"
TEAM = "team@group.calendar.google.com"
HOLIDAYS = "en.usa#holiday@group.v.calendar.google.com"
CALLBACK = "http://127.0.0.1:8080/oauth/callback"
VERIFIER = "a-verifier-that-is-long-enough-to-be-one-0123456789"
PREFIX = "https://www.googleapis.com/auth/"

Asked = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class MovingClock:
    """Stands still until a test moves it; nothing in the provider waits by it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def move(self, duration: timedelta) -> None:
        self._now += duration

    def timer(self) -> float:
        return self._now.timestamp()

    async def sleep(self, duration: timedelta) -> None:
        raise AssertionError(f"the provider does not wait {duration}")


@dataclass(frozen=True)
class World:
    """One sandbox, and a provider that is pointed at it."""

    sandbox: Sandbox
    provider: GoogleCalendarProvider
    options: GoogleOptions
    session: aiohttp.ClientSession
    clock: MovingClock

    def rewired(self, **changes: object) -> GoogleCalendarProvider:
        """Another provider, with some of its options changed."""
        return GoogleCalendarProvider(self.session, replace(self.options, **changes), self.clock)  # type: ignore[arg-type]

    async def code(self, ticked: Iterable[str] | Literal["all"] = "all", state: str = "state") -> str:
        """The code that the callback is given when Ann consents."""
        digest = hashlib.sha256(VERIFIER.encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        url = self.provider.authorization_url(AuthorizationRequest(state, challenge, "", ANN))
        query = parse_qs(urlsplit(await self.sandbox.consent(url, ANN, ticked)).query)
        assert query["state"] == [state]
        return query["code"][0]

    async def consent(self, ticked: Iterable[str] | Literal["all"] = "all") -> Consent:
        return await self.provider.exchange(await self.code(ticked), Secret(VERIFIER), "")

    async def grant(self, ticked: Iterable[str] | Literal["all"] = "all") -> Grant:
        consent = await self.consent(ticked)
        assert consent.refresh_token is not None
        return Grant(consent.refresh_token, consent.granted_scopes)

    async def probe(self, grant: Grant, *check_calendar_ids: str, add: str = "") -> Probe:
        return await self.provider.probe(ProbeRequest("link", grant, check_calendar_ids, add))

    async def put_event(self, calendar_id: str, resource: dict[str, object]) -> None:
        """Add an event as Google's own calendar does; Ann's access token must have been asked for."""
        [*_, token] = self.sandbox.google.grants.access_tokens
        url = f"{self.options.api_endpoint}calendars/{quote(calendar_id, safe='')}/events"
        headers = {"authorization": f"Bearer {token}"}
        async with self.session.post(URL(url, encoded=True), json=resource, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    def fault(self, respond: str | dict[str, object], *, endpoint: str | None = None, times: int | None = None) -> None:
        """Let Google's side answer wrongly."""
        self.sandbox.fault(respond, surface="google", endpoint=endpoint, times=times)

    def requests(self, endpoint: str) -> int:
        """How many requests of that endpoint the sandbox has received."""
        return sum(f"{note.endpoint}.".startswith(f"{endpoint}.") for note in self.sandbox.google_requests.records)

    async def requested(self, endpoint: str) -> None:
        """Return when the sandbox has received a request of that endpoint."""
        while not self.requests(endpoint):
            last = self.sandbox.google_requests.last
            assert await self.sandbox.google_requests.wait(after=last, seconds=10)


def reasons(probe: Probe) -> list[tuple[CauseReason, str]]:
    return [(finding.reason, finding.calendar_id) for finding in probe.findings]


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    clock = MovingClock()
    async with Sandbox(now=clock.now) as sandbox, aiohttp.ClientSession() as session:
        options = options_for(sandbox.server_environment())
        yield World(sandbox, GoogleCalendarProvider(session, options, clock), options, session, clock)


def options_for(environment: dict[str, str]) -> GoogleOptions:
    named = {name.removeprefix("CALGUARD_GOOGLE_").lower(): value for name, value in environment.items()}
    return GoogleOptions(
        client_id=named["client_id"],
        client_secret=Secret(named["client_secret"]),
        redirect_uri=CALLBACK,
        auth_uri=named["auth_uri"],
        token_uri=named["token_uri"],
        revoke_uri=named["revoke_uri"],
        certs_uri=named["certs_uri"],
        api_endpoint=named["api_endpoint"],
        quotas=Quotas(per_project=10_000_000, per_user=10_000_000),  # nothing waits while the clock stands still
    )


@asynccontextmanager
async def raw_server(asked: Asked, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """A server that does with each connection, once the request's head was read, as it is told; its address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asked(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


def sends(*pieces: bytes) -> Asked:
    """Send the bytes, and close."""

    async def asked(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()

    return asked
