"""Changes as watchers are sent them: encoded once, at their commit."""

from calguard.v1 import appointment_pb2, booking_page_pb2, calendar_link_pb2, provider_pb2, watch_pb2
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.events import Change
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.appointment_wire import appointment_to_wire
from calguard_server.grpc_api.convert import (
    changed_page_to_wire,
    link_to_wire,
    page_to_wire,
    provider_status_to_wire,
    to_timestamp,
)

_PREVIOUS_LINK_STATE = {state.value: number for state, number in enums.LINK_STATE.to_wire.items()}
_PREVIOUS_LINK_STATE[""] = calendar_link_pb2.CALENDAR_LINK_STATE_UNSPECIFIED
_PREVIOUS_PAGE_STATE = {state.value: number for state, number in enums.PAGE_STATE.to_wire.items()}
_PREVIOUS_PAGE_STATE[""] = booking_page_pb2.BOOKING_PAGE_STATE_UNSPECIFIED
_PREVIOUS_PROVIDER_STATE = {state.value: number for state, number in enums.PROVIDER_STATE.to_wire.items()}
_PREVIOUS_PROVIDER_STATE[""] = provider_pb2.PROVIDER_STATE_UNSPECIFIED
_PREVIOUS_APPOINTMENT_STATE = {state.value: number for state, number in enums.APPOINTMENT_STATE.to_wire.items()}
_PREVIOUS_APPOINTMENT_STATE[""] = appointment_pb2.APPOINTMENT_STATE_UNSPECIFIED


def encode_change(change: Change) -> bytes:
    """Serialize a change as a `StateChange`."""
    return _state_change(change, enums.CHANGE_TYPE.to_wire[change.type]).SerializeToString()


def encode_snapshot(resource: CalendarLink | BookingPage | ProviderStatus | Appointment) -> bytes:
    """Serialize a resource as a `StateChange` of type SNAPSHOT, with the revision and time of its last change."""
    kind = watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT
    time = to_timestamp(resource.update_time)
    if isinstance(resource, CalendarLink):
        link = link_to_wire(resource)
        message = watch_pb2.StateChange(revision=resource.revision, time=time, type=kind, calendar_link=link)
    elif isinstance(resource, ProviderStatus):
        status = provider_status_to_wire(resource)
        message = watch_pb2.StateChange(revision=resource.revision, time=time, type=kind, provider_status=status)
    elif isinstance(resource, Appointment):
        appointment = appointment_to_wire(resource)
        message = watch_pb2.StateChange(revision=resource.revision, time=time, type=kind, appointment=appointment)
    else:
        page = page_to_wire(resource)
        message = watch_pb2.StateChange(revision=resource.revision, time=time, type=kind, booking_page=page)
    return message.SerializeToString()


def _state_change(change: Change, kind: watch_pb2.StateChangeType.ValueType) -> watch_pb2.StateChange:
    time = to_timestamp(change.time)
    if isinstance(change.resource, CalendarLink):
        return watch_pb2.StateChange(
            revision=change.revision,
            time=time,
            type=kind,
            calendar_link=link_to_wire(change.resource),
            previous_link_state=_PREVIOUS_LINK_STATE[change.previous_state],
            caused_by_revision=change.caused_by,
        )
    if isinstance(change.resource, ProviderStatus):
        return watch_pb2.StateChange(
            revision=change.revision,
            time=time,
            type=kind,
            provider_status=provider_status_to_wire(change.resource),
            previous_provider_state=_PREVIOUS_PROVIDER_STATE[change.previous_state],
        )
    if isinstance(change.resource, Appointment):
        return watch_pb2.StateChange(
            revision=change.revision,
            time=time,
            type=kind,
            appointment=appointment_to_wire(change.resource),
            previous_appointment_state=_PREVIOUS_APPOINTMENT_STATE[change.previous_state],
        )
    return watch_pb2.StateChange(
        revision=change.revision,
        time=time,
        type=kind,
        booking_page=changed_page_to_wire(change.resource),
        previous_page_state=_PREVIOUS_PAGE_STATE[change.previous_state],
        caused_by_revision=change.caused_by,
    )
