"""A provider that answers what a test says, for tests of the engine alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from calguard_server.domain.causes import Finding
from calguard_server.domain.scopes import REQUESTED_SCOPES
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports import (
    AuthorizationRequest,
    Consent,
    Grant,
    Probe,
    ProbeRequest,
    ProviderCalendar,
    ProviderFailureError,
)

PRIMARY = ProviderCalendar("me@example.com", "Me", "owner", primary=True)
HOLIDAYS = ProviderCalendar("holidays@example.com", "Holidays", "reader", primary=False)


@dataclass
class FakeProvider:
    """Every grant works until `findings` says otherwise; `consents` answers codes.

    `told_scopes` are what probes tell of the granted scopes; None where they tell nothing.
    """

    findings: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    told_scopes: tuple[str, ...] | None = None
    consents: dict[str, Consent] = field(default_factory=dict)
    calendars: list[ProviderCalendar] = field(default_factory=lambda: [PRIMARY, HOLIDAYS])
    listing_fails: Finding | None = None
    revokes: bool = True
    revoked: list[str] = field(default_factory=list)
    probes: list[ProbeRequest] = field(default_factory=list)

    def authorization_url(self, request: AuthorizationRequest) -> str:
        return f"https://google.test/auth?state={request.state}&code_challenge={request.code_challenge}"

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:  # noqa: ARG002 - the port's
        return self.consents[code]

    async def probe(self, request: ProbeRequest) -> Probe:
        self.probes.append(request)
        return Probe(self.findings.get(request.calendar_link_id, ()), self.told_scopes)

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:  # noqa: ARG002 - the port's
        if self.listing_fails is not None:
            raise ProviderFailureError(self.listing_fails)
        return self.calendars

    async def revoke(self, grant: Grant) -> bool:
        self.revoked.append(grant.refresh_token.reveal())
        return self.revokes

    def forget(self, calendar_link_id: str) -> None: ...


def consent(subject: str = "sub-1", email: str = "me@example.com", scopes: Sequence[str] = REQUESTED_SCOPES) -> Consent:
    """Build what Google answers for a code; the refresh token names its subject."""
    return Consent(subject, email, tuple(scopes), Secret(f"refresh-{subject}"))
