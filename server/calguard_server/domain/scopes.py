"""What a Google grant permits: judged by capability, never by comparing sets of scopes.

Source: the "Authorization" section of each method in the Google Calendar API reference. `calendar.events` permits
neither freebusy nor calendarList.
"""

from collections.abc import Iterable
from functools import lru_cache

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

READING_EVENTS: frozenset[str] = frozenset(
    _PREFIX + name
    for name in (
        "calendar",
        "calendar.readonly",
        "calendar.events",
        "calendar.events.readonly",
        "calendar.events.owned",
        "calendar.events.owned.readonly",
    )
)
"""Any one of the scopes permits listing events and shows how they are marked, those of owned calendars at least."""


def missing_capabilities(granted: Iterable[str]) -> tuple[Capability, ...]:
    """Name the capabilities that none of the granted scopes permits, in the order list, check, add."""
    return _missing_of(tuple(granted))


@lru_cache(maxsize=1024)
def _missing_of(granted: tuple[str, ...]) -> tuple[Capability, ...]:
    """Every check asks this, and there are few combinations of scopes."""
    held = frozenset(granted)
    return tuple(capability for capability, scopes in PERMITTED_BY.items() if not held & scopes)


def permit_reading_events(granted: Iterable[str]) -> bool:
    """Tell whether events can be listed. No capability: a link works without, and only its diagnosis looks at them."""
    return not READING_EVENTS.isdisjoint(granted)
