"""Asking the provider how a link is: a probe, and at once a second one where the first must be confirmed."""

from msgspec import Struct

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.link_verdict import confirms, needs_confirmation
from calguard_server.engine.ports.grants import Grant, GrantUnreadableError
from calguard_server.engine.ports.provider import CalendarProvider, ProbeRequest
from calguard_server.engine.ports.store import Store


class Evidence(Struct, frozen=True):
    """What was found; `confirmed`: a second probe met the same. `granted_scopes` where the provider told them anew."""

    findings: tuple[Finding, ...]
    confirmed: bool = False
    granted_scopes: tuple[str, ...] | None = None


async def examine(
    provider: CalendarProvider,
    link: CalendarLink,
    grant: Grant | None,
    check_calendar_ids: tuple[str, ...],
    add_calendar_id: str,
) -> Evidence:
    """Probe a link with the selection given, twice where once is not enough to fail it."""
    if grant is None:
        return Evidence((Finding(CauseReason.AUTHORIZATION_INCOMPLETE),))
    request = ProbeRequest(link.id, grant, check_calendar_ids, add_calendar_id)
    first = await provider.probe(request)
    if not needs_confirmation(link, first.findings):
        return Evidence(first.findings, granted_scopes=first.granted_scopes)
    second = await provider.probe(request)
    confirmed = confirms(first.findings, second.findings)
    return Evidence(second.findings, confirmed, second.granted_scopes or first.granted_scopes)


async def usable_grant(store: Store, link_id: str) -> Grant | None:
    """Answer a link's grant; None where none is stored, or no key opens it."""
    try:
        return await store.grant(link_id)
    except GrantUnreadableError:
        return None
