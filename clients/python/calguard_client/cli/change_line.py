"""One change of a link, a page, an appointment or the provider's status, on one line.

Lines end up in files: of an appointment neither title nor attendees are told.
"""

from collections.abc import Callable

from rich.text import Text

from calguard.v1 import appointment_pb2, booking_page_pb2, calendar_link_pb2, provider_pb2, watch_pb2
from calguard_client.cli.appointment_report import conflict_words
from calguard_client.cli.cells import clean, enum_name, moment, state, texts

_TYPES = {
    watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT: "snapshot",
    watch_pb2.STATE_CHANGE_TYPE_CREATED: "created",
    watch_pb2.STATE_CHANGE_TYPE_STATE_CHANGED: "changed",
    watch_pb2.STATE_CHANGE_TYPE_UPDATED: "updated",
    watch_pb2.STATE_CHANGE_TYPE_DELETED: "deleted",
}
_TYPE_WIDTH = 8
_ID_WIDTH = 25


def change_line(change: watch_pb2.StateChange) -> tuple[Text, Text]:
    """Tell a change: its time and what happened; then kind, id, states, and why."""
    style = "dim" if change.type == watch_pb2.STATE_CHANGE_TYPE_SNAPSHOT else "bold"
    happened = Text(_TYPES.get(change.type, str(change.type)).ljust(_TYPE_WIDTH), style)
    kind, name, *rest = _parts(change)
    body = Text("  ").join((kind, Text(name.plain.ljust(_ID_WIDTH)), *rest))
    body.rstrip()
    return Text("  ").join((Text(moment(change.time), "dim"), happened)), body


def short_change_line(change: watch_pb2.StateChange) -> Text:
    """Tell a change in as little room as it takes, with the time of day only."""
    time = Text(moment(change.time)[11:19], "dim")
    return Text(" ").join((time, *(part for part in _parts(change) if part)))


def _parts(change: watch_pb2.StateChange) -> tuple[Text, ...]:
    return _PARTS[change.WhichOneof("resource") or "calendar_link"](change)


def _link_parts(change: watch_pb2.StateChange) -> tuple[Text, ...]:
    link = change.calendar_link
    why = enum_name(link.cause, "reason") if link.cause.reason else ""
    return (*_resource("link", link), _states(change, "previous_link_state", link), Text(why))


def _page_parts(change: watch_pb2.StateChange) -> tuple[Text, ...]:
    page = change.booking_page
    stop_cause = enum_name(page, "stop_cause") if page.stop_cause != booking_page_pb2.STOP_CAUSE_NONE else ""
    faulty = f"faulty: {texts(each.account_id for each in page.faulty)}" if page.faulty else ""
    why = "; ".join(filter(None, (stop_cause, faulty)))
    return (*_resource("page", page), _states(change, "previous_page_state", page), Text(why))


def _provider_parts(change: watch_pb2.StateChange) -> tuple[Text, ...]:
    status = change.provider_status
    still_open = [incident for incident in status.incidents if not incident.HasField("end_time")]
    why = "; ".join(enum_name(incident, "reason") for incident in still_open)
    name = Text(enum_name(status, "provider").lower())
    return Text("prov"), name, _states(change, "previous_provider_state", status), Text(why)


def _appointment_parts(change: watch_pb2.StateChange) -> tuple[Text, ...]:
    appointment = change.appointment
    told = [moment(appointment.start_time)]
    told += [_entry(each) for each in appointment.assignees]
    told += dict.fromkeys(conflict_words(each) for each in appointment.conflicts)
    states = _states(change, "previous_appointment_state", appointment)
    return (*_resource("appt", appointment), states, Text(clean("; ".join(told))))


def _entry(assignee: appointment_pb2.Assignee) -> str:
    reason = enum_name(assignee.not_added, "reason") if assignee.not_added.reason else ""
    return " ".join(filter(None, (assignee.account_id, enum_name(assignee, "entry_state"), reason)))


_PARTS: dict[str, Callable[[watch_pb2.StateChange], tuple[Text, ...]]] = {
    "calendar_link": _link_parts,
    "booking_page": _page_parts,
    "provider_status": _provider_parts,
    "appointment": _appointment_parts,
}


def _resource(
    kind: str,
    resource: calendar_link_pb2.CalendarLink | booking_page_pb2.BookingPage | appointment_pb2.Appointment,
) -> tuple[Text, Text]:
    return Text(kind), Text(clean(resource.id))


def _states(
    change: watch_pb2.StateChange,
    previous_field: str,
    resource: calendar_link_pb2.CalendarLink
    | booking_page_pb2.BookingPage
    | provider_pb2.ProviderStatus
    | appointment_pb2.Appointment,
) -> Text:
    now = state(resource)
    if change.type != watch_pb2.STATE_CHANGE_TYPE_STATE_CHANGED:
        return now
    return Text(" -> ").join((state(change, previous_field), now))
