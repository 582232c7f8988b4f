"""What a Google grant permits: judged by capability, never by comparing sets of scopes.

Source: the "Authorization" section of each method in the Google Calendar API reference. `calendar.events` permits
neither freebusy nor calendarList.
"""

from collections.abc import Iterable

from calguard_server.domain.causes import Capability

_PREFIX = "https://www.googleapis.com/auth/"

REQUESTED_SCOPES: tuple[str, ...] = (
    "openid",
    "email",
    f"{_PREFIX}calendar.calendarlist.readonly",
    f"{_PREFIX}calendar.freebusy",
    f"{_PREFIX}calendar.events",
)
"""What the consent page is asked for: the narrowest scopes that permit every capability."""

PERMITTED_BY: dict[Capability, frozenset[str]] = {
    Capability.LIST: frozenset(
        _PREFIX + name
        for name in (
            "calendar",
            "calendar.readonly",
            "calendar.calendarlist",
            "calendar.calendarlist.readonly",
        )
    ),
    Capability.CHECK: frozenset(
        _PREFIX + name for name in ("calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy")
    ),
    Capability.ADD: frozenset(_PREFIX + name for name in ("calendar", "calendar.events", "calendar.events.owned")),
}
"""Any one of the scopes permits the capability. `calendar.events.owned` does so for owned calendars only."""


def missing_capabilities(granted: Iterable[str]) -> tuple[Capability, ...]:
    """Name the capabilities that none of the granted scopes permits, in the order list, check, add."""
    held = frozenset(granted)
    return tuple(capability for capability, scopes in PERMITTED_BY.items() if not held & scopes)
