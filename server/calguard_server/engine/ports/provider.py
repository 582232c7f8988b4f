"""The calendar provider, as far as links need it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.grants import Grant


class AuthorizationRequest(Struct, frozen=True):
    """What the consent page is asked. `code_challenge` is PKCE's S256."""

    state: str
    code_challenge: str
    redirect_uri: str
    login_hint: str


class Consent(Struct, frozen=True):
    """What the provider answered for an authorization code. `refresh_token` is None without offline access.

    `access_token` is good for ending such a grant, and is not kept.
    """

    subject: str
    email: str
    granted_scopes: tuple[str, ...]
    refresh_token: Secret | None
    access_token: Secret | None = None


class ProbeRequest(Struct, frozen=True):
    """What to probe: the calendars to read, the one to write (empty: none), and what the grant should permit."""

    calendar_link_id: str
    grant: Grant
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str


class Probe(Struct, frozen=True):
    """What a probe found; no findings means all is well. `granted_scopes` is set where the provider told them anew."""

    findings: tuple[Finding, ...]
    granted_scopes: tuple[str, ...] | None = None


class ProviderCalendar(Struct, frozen=True):
    """A calendar as the linked account shows it; `access_role` as Google names it."""

    id: str
    summary: str
    access_role: str
    primary: bool


class FreeEvents(Struct, frozen=True):
    """The events of one calendar that are marked Free, and so do not block.

    `more`: there are more events than are counted at once. `access_role` as Google names it.
    """

    count: int
    more: bool
    access_role: str


class CalendarProvider(Protocol):
    """Google, as far as the engine needs it. Secrets go in and come out wrapped."""

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Build the address of the consent page: every scope, offline access, consent asked each time."""
        ...

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:
        """Exchange an authorization code and verify who consented.

        Raises CodeRefusedError, IdentityUnverifiedError, ProviderFailureError.
        """
        ...

    async def probe(self, request: ProbeRequest) -> Probe:
        """Check that a grant works for what it is used for; never raises for what the provider answers."""
        ...

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:
        """List all calendars that the account shows. Raises ProviderFailureError."""
        ...

    async def refresh(self, calendar_link_id: str, grant: Grant) -> tuple[str, ...] | None:
        """Have a grant accepted anew, whatever is held; answers the scopes where they are told.

        Raises ProviderFailureError.
        """
        ...

    async def count_free_events(
        self, calendar_link_id: str, grant: Grant, calendar_id: str, start: datetime, end: datetime
    ) -> FreeEvents:
        """Count the events of a window that are marked Free, repeated ones each time. Raises ProviderFailureError."""
        ...

    def read_failure(self, http_status: int, body: str) -> CauseReason | None:
        """Name what an answer amounts to that somebody else got; None where it names no fault. Never raises.

        `http_status` is 0 where it is not known.
        """
        ...

    async def revoke(self, grant: Grant) -> bool:
        """Revoke a grant at the provider; True when it is revoked or was void already. Never raises for an answer."""
        ...

    def forget(self, calendar_link_id: str) -> None:
        """Drop what is cached for a link: its grant was replaced or ended."""
        ...
