"""How a resource stands in the live table: one row, and how much it matters."""

from dataclasses import dataclass
from functools import singledispatch

from google.protobuf.timestamp_pb2 import Timestamp
from rich.text import Text

from calguard.v1.appointment_pb2 import CALENDAR_ENTRY_STATE_NOT_ADDED, Appointment
from calguard.v1.booking_page_pb2 import STOP_CAUSE_NONE, STOP_CAUSE_OWNER, BookingPage
from calguard.v1.calendar_link_pb2 import CalendarLink
from calguard.v1.provider_pb2 import ProviderStatus
from calguard_client.cli.cells import clean, enum_name, moment, state, texts
from calguard_client.mirroring.contents import Resource

_BROKEN, _IMPAIRED, _ON_PURPOSE, _WELL = range(4)
_SEVERITIES = {
    "FAILED": _BROKEN,
    "STOPPED": _BROKEN,
    "INCIDENT": _BROKEN,
    "DEGRADED": _IMPAIRED,
    "LINKED": _WELL,
    "OPERATIONAL": _WELL,
}


@dataclass(frozen=True, slots=True)
class Row:
    """What the table shows of a resource. `since` is when it came into its state."""

    kind: str
    name: str
    state: Text
    since: Timestamp
    cause: str
    about: str


def severity(resource: Resource) -> int:
    """Answer how much a resource matters: the less the more. What somebody stopped on purpose is not broken."""
    if isinstance(resource, Appointment):
        return _BROKEN if resource.conflicts else _IMPAIRED if _not_added(resource) else _WELL
    if isinstance(resource, CalendarLink):
        purpose = enum_name(resource, "state") == "STOPPED"
    else:
        purpose = isinstance(resource, BookingPage) and resource.stop_cause == STOP_CAUSE_OWNER
    return _ON_PURPOSE if purpose else _SEVERITIES.get(enum_name(resource, "state"), _BROKEN)


@singledispatch
def row_of(resource: Resource) -> Row:
    """Tell how a resource stands. What others chose is cleaned."""
    raise TypeError(f"no row is made of a {type(resource).__name__}")


@row_of.register
def _link_row(link: CalendarLink) -> Row:
    cause = enum_name(link.cause, "reason") if link.cause.reason else ""
    about = f"{link.account_id}, {link.provider_email}" if link.provider_email else link.account_id
    return Row("link", clean(link.id), state(link), link.state_time, cause, clean(about))


@row_of.register
def _page_row(page: BookingPage) -> Row:
    causes = [] if page.stop_cause == STOP_CAUSE_NONE else [enum_name(page, "stop_cause")]
    if page.faulty:
        causes.append(", ".join(dict.fromkeys(each.account_id for each in page.faulty)))
    return Row("page", clean(page.id), state(page), page.state_time, clean(": ".join(causes)), clean(page.title))


@row_of.register
def _provider_row(status: ProviderStatus) -> Row:
    still_open = [enum_name(each, "reason") for each in status.incidents if not each.HasField("end_time")]
    name = enum_name(status, "provider").lower()
    return Row("prov", name, state(status), status.update_time, ", ".join(still_open), "")


@row_of.register
def _appointment_row(appointment: Appointment) -> Row:
    """Tell neither its title nor its attendees: what is shown is copied into reports."""
    causes = []
    if appointment.conflicts:
        causes.append(f"conflict: {texts(dict.fromkeys(each.account_id for each in appointment.conflicts))}")
    if missing := _not_added(appointment):
        causes.append(f"NOT_ADDED: {texts(missing)}")
    who = texts(each.account_id for each in appointment.assignees)
    about = f"{who}, {moment(appointment.start_time)}, page {clean(appointment.booking_page_id)}"
    return Row("appt", clean(appointment.id), state(appointment), appointment.create_time, "; ".join(causes), about)


def _not_added(appointment: Appointment) -> list[str]:
    return [each.account_id for each in appointment.assignees if each.entry_state == CALENDAR_ENTRY_STATE_NOT_ADDED]
