"""A provider that answers what a test says, for tests of the engine alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.domain.secret import Secret
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

PRIMARY = ProviderCalendar("me@example.com", "Me", "owner", primary=True)
HOLIDAYS = ProviderCalendar("holidays@example.com", "Holidays", "reader", primary=False)


@dataclass
class FakeProvider:
    """Every grant works until `findings` says otherwise; `consents` answers codes.

    A finding that names a calendar is met by who asks for that one. A failure of status 400 reads as its body says.
    `told_scopes` are what probes and refreshes tell of the granted scopes; None where they tell nothing.
    """

    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    consents: dict[str, Consent] = field(default_factory=dict)
    calendars: list[ProviderCalendar] = field(default_factory=lambda: [PRIMARY, HOLIDAYS])
    listing_fails: Finding | None = None
    revokes: bool = True
    revoked: list[str] = field(default_factory=list)
    probes: list[ProbeRequest] = field(default_factory=list)
    refresh_fails: Finding | None = None
    told_scopes: tuple[str, ...] | None = None
    free_events: dict[str, FreeEvents | Finding] = field(default_factory=dict)
    refreshes: list[str] = field(default_factory=list)
    counted: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def authorization_url(self, request: AuthorizationRequest) -> str:
        return f"https://google.test/auth?state={request.state}&code_challenge={request.code_challenge}"

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:  # noqa: ARG002 - the port's
        return self.consents[code]

    async def probe(self, request: ProbeRequest) -> Probe:
        self.probes.append(request)
        named = {"", *request.check_calendar_ids, request.add_calendar_id}
        met = self.findings.get(request.calendar_link_id, ())
        return Probe(tuple(finding for finding in met if finding.calendar_id in named), self.told_scopes)

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:  # noqa: ARG002 - the port's
        if self.listing_fails is not None:
            raise ProviderFailureError(self.listing_fails)
        return self.calendars

    async def refresh(self, calendar_link_id: str, grant: Grant) -> tuple[str, ...] | None:  # noqa: ARG002 - the port's
        self.refreshes.append(calendar_link_id)
        if self.refresh_fails is not None:
            raise ProviderFailureError(self.refresh_fails)
        return self.told_scopes

    async def count_free_events(
        self,
        calendar_link_id: str,  # noqa: ARG002 - the port's
        grant: Grant,  # noqa: ARG002 - the port's
        calendar_id: str,
        start: datetime,
        end: datetime,
    ) -> FreeEvents:
        self.counted.append((calendar_id, start, end))
        found = self.free_events.get(calendar_id, FreeEvents(0, more=False, access_role="owner"))
        if isinstance(found, Finding):
            raise ProviderFailureError(found)
        return found

    def read_failure(self, http_status: int, body: str) -> CauseReason | None:
        return CauseReason(body) if http_status == 400 else None

    async def revoke(self, grant: Grant) -> bool:
        self.revoked.append(grant.refresh_token.reveal())
        return self.revokes

    def forget(self, calendar_link_id: str) -> None: ...


def consent(subject: str = "sub-1", email: str = "me@example.com", scopes: Sequence[str] = REQUESTED_SCOPES) -> Consent:
    """Build what Google answers for a code; the refresh token names its subject."""
    return Consent(subject, email, tuple(scopes), Secret(f"refresh-{subject}"))
