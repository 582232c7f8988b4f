"""What changed of a resource, in a word or two."""

from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.calendar_link_pb2 import CalendarLink
from calguard.v1.watch_pb2 import STATE_CHANGE_TYPE_CREATED, STATE_CHANGE_TYPE_STATE_CHANGED, StateChange
from calguard_client.cli.cells import enum_name
from calguard_client.mirroring.contents import LINK, PAGE, PROVIDER, Key, MirrorChange, Resource

_PREVIOUS = {LINK: "previous_link_state", PAGE: "previous_page_state", PROVIDER: "previous_provider_state"}


def key_of(resource: Resource) -> Key:
    """Answer the key under which the contents of a mirror hold a resource."""
    if isinstance(resource, CalendarLink):
        return LINK, resource.id
    return (PAGE, resource.id) if isinstance(resource, BookingPage) else (PROVIDER, str(resource.provider))


def move_of(change: MirrorChange) -> str:
    """Tell a change: from which state to which, or what else. Empty where a snapshot shows it for the first time."""
    if change.before is not None and change.after is not None:
        before, after = enum_name(change.before, "state"), enum_name(change.after, "state")
        return "updated" if before == after else f"{before} -> {after}"
    return "" if change.change is None else _first_move(change.change, change.resource)


def _first_move(change: StateChange, resource: Resource) -> str:
    """Tell the change of a resource that was not known before, as the server tells it."""
    if change.type == STATE_CHANGE_TYPE_STATE_CHANGED:
        return f"{enum_name(change, _PREVIOUS[key_of(resource)[0]])} -> {enum_name(resource, 'state')}"
    return "created" if change.type == STATE_CHANGE_TYPE_CREATED else "updated"
