"""Etags: they change when what a caller can set changes, and not with the state."""

import hashlib
from functools import lru_cache

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.errors import AbortedError
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.slack_workspace import SlackWorkspace

Resource = Account | CalendarLink | BookingPage | SlackWorkspace | Appointment


def etag_of(resource: Resource) -> str:
    """Answer a resource's etag: opaque, 16 characters."""
    return _digest(_settable(resource))


@lru_cache(maxsize=4096)
def _digest(settable: tuple[object, ...]) -> str:
    return hashlib.sha256(repr(settable).encode()).hexdigest()[:16]


def require_etag(resource: Resource, etag: str) -> None:
    """Raise AbortedError `ETAG_MISMATCH` where an etag is given and stale."""
    if etag and etag != etag_of(resource):
        raise AbortedError(
            "ETAG_MISMATCH", f"{resource.id} was changed since it was read: read it again, then repeat the change"
        )


def _settable(resource: Resource) -> tuple[object, ...]:
    match resource:
        case Account():
            return (
                resource.display_name,
                resource.email,
                resource.locale.value,
                resource.slack,
                tuple(channel.value for channel in resource.channels),
                resource.link_alerts.value,
                resource.webhook,
            )
        case CalendarLink():
            return (resource.check_calendar_ids, resource.add_calendar_id, resource.provider_subject)
        case BookingPage():
            return (
                resource.owner_account_id,
                resource.title,
                resource.scheduling_mode.value,
                resource.members,
                resource.faulty_members.value,
                resource.assignment_method.value,
                resource.slack,
            )
        case SlackWorkspace():
            return (resource.name, resource.token_version, resource.create_time)
        case Appointment():
            return (resource.account_ids, resource.state.value)
