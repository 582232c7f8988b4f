"""Google as the engine's CalendarProvider and AppointmentCalendars."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import aiohttp
from msgspec.structs import replace

from calguard_server.domain.causes import RULES, Capability, CauseReason, Finding, Severity
from calguard_server.domain.intervals import Interval
from calguard_server.domain.scopes import missing_capabilities
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.appointment_calendars import BusyTimes, EntryDraft
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider import (
    AuthorizationRequest,
    Consent,
    FreeEvents,
    Probe,
    ProbeRequest,
    ProviderCalendar,
)
from calguard_server.engine.ports.provider_errors import ProviderFailureError
from calguard_server.google.answers import Outcome
from calguard_server.google.bodies import text_in
from calguard_server.google.busy import BusyReader
from calguard_server.google.calendar import CalendarRequests, batches, calendars_of
from calguard_server.google.entries import delete_entry, write_entry
from calguard_server.google.free_events import count_free_events
from calguard_server.google.identity import CertificateStore, IdentityVerifier
from calguard_server.google.oauth import OAuth
from calguard_server.google.options import GoogleOptions
from calguard_server.google.pacer import Pacer
from calguard_server.google.reported import read_reported
from calguard_server.google.session import GrantSession
from calguard_server.google.tokens import AccessTokens
from calguard_server.google.transport import RequestObserver, Transport, unobserved

PROBED_WINDOW = timedelta(days=1)
"""Whether a calendar can be read shows in any window; a short one keeps the answer small."""

MOST_PAGES = 40
"""Of 250 calendars each. More is a page token that leads nowhere."""


class GoogleCalendarProvider:
    """Watches, lists and ends grants at Google, and keeps appointments there. The session is its owner's to close."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        options: GoogleOptions,
        clock: Clock,
        observe: RequestObserver = unobserved,
    ) -> None:
        self._clock = clock
        self._transport = Transport(session, options, clock, observe)
        identity = IdentityVerifier(CertificateStore(self._transport, options, clock), options, clock)
        self._oauth = OAuth(self._transport, identity, options, clock)
        self._tokens = AccessTokens(self._oauth, clock)
        self._requests = CalendarRequests(options)
        self._pacer = Pacer(options.quotas, clock)

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Build the address of the consent page."""
        return self._oauth.authorization_url(request)

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:
        """Exchange an authorization code and verify who consented.

        Raises CodeRefusedError, IdentityUnverifiedError, ProviderFailureError.
        """
        return await self._oauth.exchange(code, code_verifier, redirect_uri)

    async def probe(self, request: ProbeRequest) -> Probe:
        """Check that a grant works for what it is used for; never raises for what Google answers.

        What fails as a whole ends the probe. A call that the granted scopes do not permit is not made: what lacks is
        known without asking.
        """
        session = self._session(request.calendar_link_id, request.grant)
        findings: list[Finding] = []
        try:
            await session.open()
            lacking = missing_capabilities(session.told_scopes or request.grant.granted_scopes)
            if Capability.CHECK not in lacking:
                for calendar_ids in batches(request.check_calendar_ids):
                    findings += await self._probe_check_calendars(session, calendar_ids)
            if request.add_calendar_id and not {Capability.LIST, Capability.ADD} & set(lacking):
                findings += await self._probe_add_calendar(session, request.add_calendar_id)
            await session.verify()
        except ProviderFailureError as failure:
            findings.append(failure.finding)
        return Probe(tuple(findings), session.told_scopes)

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:
        """List all calendars that the account shows. Raises ProviderFailureError."""
        session = self._session(calendar_link_id, grant)
        listed: list[ProviderCalendar] = []
        page_token = ""
        for _ in range(MOST_PAGES):
            request = self._requests.list_calendars(page_token)
            _, answer = await session.send(request)
            content = request.content(answer)
            listed += calendars_of(content)
            page_token = text_in(content, "nextPageToken")
            if not page_token:
                return listed
        raise ProviderFailureError(Finding(CauseReason.PROVIDER_UNAVAILABLE))

    async def refresh(self, calendar_link_id: str, grant: Grant) -> tuple[str, ...] | None:
        """Have the grant accepted anew. Raises ProviderFailureError.

        Of several who ask at once one makes it: a refresh that ends after this was asked for will do.
        """
        held = self._tokens.held(calendar_link_id, grant)
        return (await self._tokens.renew(calendar_link_id, grant, rejected=held)).scopes

    async def count_free_events(
        self, calendar_link_id: str, grant: Grant, calendar_id: str, start: datetime, end: datetime
    ) -> FreeEvents:
        """Count the events that are marked Free. Raises ProviderFailureError."""
        session = self._session(calendar_link_id, grant)
        return await count_free_events(session, self._requests, calendar_id, start, end)

    async def busy_times(
        self, calendar_link_id: str, grant: Grant, calendar_ids: Sequence[str], window: Interval
    ) -> BusyTimes:
        """Ask when calendars are busy within a window, 50 calendars a query. Raises ProviderFailureError."""
        reader = BusyReader(lambda: self._session(calendar_link_id, grant), self._requests)
        return await reader.read(calendar_ids, window)

    async def add_entry(self, calendar_link_id: str, grant: Grant, draft: EntryDraft) -> None:
        """Write an event; ours that is there already is as good. Raises ProviderFailureError, EventIdTakenError."""
        await write_entry(self._session(calendar_link_id, grant), self._requests, draft)

    async def remove_entry(self, calendar_link_id: str, grant: Grant, calendar_id: str, event_id: str) -> None:
        """Delete an event; one that is not there is as good. Raises ProviderFailureError."""
        await delete_entry(self._session(calendar_link_id, grant), self._requests, calendar_id, event_id)

    def read_failure(self, http_status: int, body: str) -> CauseReason | None:
        """Name what an answer of Google's amounts to that somebody else got; None where it names no fault."""
        return read_reported(http_status, body)

    async def revoke(self, grant: Grant) -> bool:
        """Revoke a grant at Google; True when it is revoked or was void already."""
        return await self._oauth.revoke(grant)

    def forget(self, calendar_link_id: str) -> None:
        """Drop the link's access token."""
        self._tokens.forget(calendar_link_id)

    def _session(self, link_id: str, grant: Grant) -> GrantSession:
        return GrantSession(self._transport, self._tokens, self._pacer, self._clock, link_id, grant)

    async def _probe_add_calendar(self, session: GrantSession, calendar_id: str) -> list[Finding]:
        """Ask for the role on the add calendar; what passes by itself there concerns adding only."""
        try:
            await session.send(self._requests.add_calendar(calendar_id))
        except ProviderFailureError as failure:
            if RULES[failure.reason].severity is not Severity.TRANSIENT:
                raise
            return [replace(failure.finding, capability=Capability.ADD)]
        return []

    async def _probe_check_calendars(self, session: GrantSession, calendar_ids: tuple[str, ...]) -> list[Finding]:
        """Ask for busy times; where Google wants fewer calendars at once, ask for one half, then for the other."""
        now = self._clock.now()
        verdict, _ = await session.send(self._requests.free_busy(calendar_ids, now, now + PROBED_WINDOW))
        if verdict.outcome is not Outcome.SPLIT:
            return list(verdict.findings)
        if len(calendar_ids) == 1:
            return [Finding(CauseReason.PROVIDER_UNAVAILABLE, calendar_ids[0])]
        middle = len(calendar_ids) // 2
        first = await self._probe_check_calendars(session, calendar_ids[:middle])
        return first + await self._probe_check_calendars(session, calendar_ids[middle:])
