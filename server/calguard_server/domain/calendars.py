"""What a calendar can be used for, by the linked account's role on it and by what its grant permits."""

from collections.abc import Collection

from msgspec import Struct

from calguard_server.domain.causes import Capability
from calguard_server.domain.scopes import missing_capabilities

WRITING_ROLES = frozenset({"writer", "writerWithoutPrivateAccess", "owner"})
"""The access roles by which events can be added. Source: CalendarList resource, Google Calendar API reference."""

CHECK_CALENDARS_MAX = 50
"""How many calendars one link can check: as many as one freebusy query takes."""


class CalendarUse(Struct, frozen=True):
    """What a calendar can be used for; `refusal` says in English why not for both, and is empty otherwise."""

    can_check: bool
    can_add: bool
    refusal: str = ""


def judge_calendar(access_role: str, granted_scopes: Collection[str]) -> CalendarUse:
    """Tell what a calendar can be used for: any role can be checked, adding needs writer or owner."""
    missing = missing_capabilities(granted_scopes)
    refusals = []
    if Capability.CHECK in missing:
        refusals.append("the permission to see busy time was not given: reconnect and tick every checkbox")
    if Capability.ADD in missing:
        refusals.append("the permission to add events was not given: reconnect and tick every checkbox")
    elif access_role not in WRITING_ROLES:
        refusals.append(f'the role "{access_role}" may not add events: its owner must grant "Make changes to events"')
    return CalendarUse(
        can_check=Capability.CHECK not in missing,
        can_add=Capability.ADD not in missing and access_role in WRITING_ROLES,
        refusal="; ".join(refusals),
    )
