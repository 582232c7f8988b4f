"""What changed of a resource, in a word or two."""

from calguard.v1.appointment_pb2 import Appointment
from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.calendar_link_pb2 import CalendarLink
from calguard.v1.watch_pb2 import STATE_CHANGE_TYPE_CREATED, STATE_CHANGE_TYPE_STATE_CHANGED, StateChange
from calguard_client.cli.appointment_report import entry_states
from calguard_client.cli.cells import enum_name
from calguard_client.mirroring.contents import APPOINTMENT, LINK, PAGE, PROVIDER, Key, MirrorChange, Resource

_PREVIOUS = {
    LINK: "previous_link_state",
    PAGE: "previous_page_state",
    PROVIDER: "previous_provider_state",
    APPOINTMENT: "previous_appointment_state",
}


def key_of(resource: Resource) -> Key:
    """Answer the key under which the contents of a mirror hold a resource."""
    if isinstance(resource, CalendarLink):
        return LINK, resource.id
    if isinstance(resource, Appointment):
        return APPOINTMENT, resource.id
    return (PAGE, resource.id) if isinstance(resource, BookingPage) else (PROVIDER, str(resource.provider))


def move_of(change: MirrorChange) -> str:
    """Tell a change: from which state to which, or what else. Empty where a snapshot shows it for the first time."""
    if isinstance(change.before, Appointment) and isinstance(change.after, Appointment):
        return _appointment_move(change.before, change.after)
    if change.before is not None and change.after is not None:
        before, after = enum_name(change.before, "state"), enum_name(change.after, "state")
        return "updated" if before == after else f"{before} -> {after}"
    return "" if change.change is None else _first_move(change.change, change.resource)


def _appointment_move(before: Appointment, after: Appointment) -> str:
    """Tell what became of an appointment that stands: the most important of it."""
    if [each.account_id for each in before.assignees] != [each.account_id for each in after.assignees]:
        return "reassigned"
    if len(after.conflicts) > len(before.conflicts):
        return "conflict"
    was, now = entry_states(before), entry_states(after)
    return "updated" if was == now else f"{was} -> {now}"


def _first_move(change: StateChange, resource: Resource) -> str:
    """Tell the change of a resource that was not known before, as the server tells it."""
    if change.type == STATE_CHANGE_TYPE_STATE_CHANGED:
        return f"{enum_name(change, _PREVIOUS[key_of(resource)[0]])} -> {enum_name(resource, 'state')}"
    return "created" if change.type == STATE_CHANGE_TYPE_CREATED else "updated"
