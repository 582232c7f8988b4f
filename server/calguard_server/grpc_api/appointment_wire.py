"""Appointments in the contract's words, and what callers ask of them."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import available_timezones

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import cause_pb2
from calguard_server.domain.appointment import LONGEST, Appointment, Assignee, Attendee, Conflict, EntryState
from calguard_server.domain.etags import etag_of
from calguard_server.domain.intervals import Interval
from calguard_server.engine.appointments import Booking
from calguard_server.engine.ports.filters import AppointmentFilter
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import scope_of_call
from calguard_server.grpc_api.convert import EPOCH, cause_to_wire, to_timestamp
from calguard_server.grpc_api.paging import Paging
from calguard_server.grpc_api.validation import ID, NAME_MAX, Checker

SHORTEST = timedelta(minutes=1)
ATTENDEES_MAX = 100
_NO_CALENDAR = cause_pb2.Cause(
    message="The account has no calendar to add appointments to.",
    remedy="Choose a calendar to add appointments to; the appointment is added then.",
)
_POSITION = re.compile(rf"\d{{1,17}}\.{ID.pattern}")
_MICROSECOND = timedelta(microseconds=1)


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    """The zones that are known here; they are read from files, once."""
    return frozenset(available_timezones())


def read_booking(request: pb.AssignAppointmentRequest) -> Booking:
    """Read what is to be booked. Raises InvalidArgumentError."""
    check = Checker()
    start, end = _second(check, "start_time", request.start_time), _second(check, "end_time", request.end_time)
    page_id = check.id("booking_page_id", request.booking_page_id)
    title = check.name("title", request.title)
    attendees = _read_attendees(check, request)
    account_id = check.optional_id("account_id", request.account_id)
    check.expect(bool(request.request_id), "request_id", "is required: a UUID of version 4")
    check.request_id(request.request_id)
    zone = request.time_zone or "UTC"
    check.expect(zone in _zones(), "time_zone", "expected the IANA name of a zone, such as Asia/Tokyo; or nothing: UTC")
    check.refuse()
    check.expect(SHORTEST <= end - start <= LONGEST, "end_time", "expected 1 minute to 24 hours after start_time")
    check.refuse()
    return Booking(
        booking_page_id=page_id,
        time=Interval(start, end),
        time_zone=zone,
        title=title,
        attendees=attendees,
        account_id=account_id,
    )


def _second(check: Checker, field: str, value: Timestamp) -> datetime:
    """Check a time that must be given: calendars know no parts of seconds."""
    time = check.time(field, value)
    if 0 < value.nanos < 1_000_000_000:
        check.expect(False, field, "expected a whole second")  # noqa: FBT003 - what was found
    return time


def _read_attendees(check: Checker, request: pb.AssignAppointmentRequest) -> tuple[Attendee, ...]:
    if not check.at_most("attendees", request.attendees, ATTENDEES_MAX):
        return ()
    check.unique("attendees", (each.email.casefold() for each in request.attendees), ".email")
    for index, each in enumerate(request.attendees):
        path = f"attendees[{index}]"
        if check.expect(bool(each.email), f"{path}.email", "is required"):
            check.email(f"{path}.email", each.email)
        check.text(f"{path}.display_name", each.display_name, NAME_MAX)
    return tuple(Attendee(each.email, each.display_name) for each in request.attendees)


def read_filter(request: pb.ListAppointmentsRequest) -> AppointmentFilter:
    """Read which appointments to list. Raises InvalidArgumentError."""
    check = Checker()
    page_id = check.optional_id("booking_page_id", request.booking_page_id)
    account_id = check.optional_id("account_id", request.account_id)
    start = check.time("start_time", request.start_time) if request.HasField("start_time") else None
    end = check.time("end_time", request.end_time) if request.HasField("end_time") else None
    states = check.enums("states", request.states, enums.APPOINTMENT_STATE)
    check.page_size(request.page_size)
    check.refuse()
    if start is not None and end is not None:
        check.expect(start < end, "end_time", "expected a time after start_time")
        check.refuse()
    within = scope_of_call().within
    return AppointmentFilter(page_id, account_id, start, end, states, within, request.conflicts_only)


def paging_of(chosen: AppointmentFilter) -> Paging:
    """Answer how pages of the list are told from one another."""
    times = (str(chosen.start_time or ""), str(chosen.end_time or ""))
    conflicts = ("conflicts",) if chosen.conflicts_only else ()
    filters = (chosen.booking_page_id, chosen.account_id, *times, *sorted(chosen.states), *conflicts)
    return Paging("ListAppointments", *filters, position=_POSITION)


def position_of(appointment: Appointment) -> str:
    """Write where in the list an appointment is."""
    return f"{(appointment.time.start - EPOCH) // _MICROSECOND}.{appointment.id}"


def read_position(position: str) -> tuple[datetime, str]:
    """Read where in the list a page begins."""
    micros, _, appointment_id = position.partition(".")
    return (EPOCH + int(micros) * _MICROSECOND, appointment_id) if micros else (EPOCH, "")


def appointment_to_wire(appointment: Appointment) -> pb.Appointment:
    """Answer an appointment."""
    cancelled = appointment.cancel_time
    return pb.Appointment(
        id=appointment.id,
        booking_page_id=appointment.booking_page_id,
        start_time=to_timestamp(appointment.time.start),
        end_time=to_timestamp(appointment.time.end),
        time_zone=appointment.time_zone,
        title=appointment.title,
        attendees=[pb.Attendee(email=each.email, display_name=each.display_name) for each in appointment.attendees],
        assignees=[_assignee_to_wire(each) for each in appointment.assignees],
        state=enums.APPOINTMENT_STATE.to_wire[appointment.state],
        conflicts=[_conflict_to_wire(each) for each in appointment.conflicts],
        create_time=to_timestamp(appointment.create_time),
        update_time=to_timestamp(appointment.update_time),
        cancel_time=None if cancelled is None else to_timestamp(cancelled),
        etag=etag_of(appointment),
        revision=appointment.revision,
    )


def _assignee_to_wire(assignee: Assignee) -> pb.Assignee:
    entry = assignee.entry
    due = entry.next_attempt_time
    return pb.Assignee(
        account_id=assignee.account_id,
        faulty=assignee.faulty,
        entry_state=enums.ENTRY_STATE.to_wire[entry.state],
        calendar_link_id=entry.calendar_link_id,
        calendar_id=entry.calendar_id,
        not_added=_not_added(assignee),
        next_attempt_time=None if due is None else to_timestamp(due),
    )


def _not_added(assignee: Assignee) -> cause_pb2.Cause | None:
    if assignee.entry.state is not EntryState.NOT_ADDED:
        return None
    return _NO_CALENDAR if assignee.entry.cause is None else cause_to_wire(assignee.entry.cause)


def _conflict_to_wire(conflict: Conflict) -> pb.AppointmentConflict:
    return pb.AppointmentConflict(
        account_id=conflict.account_id,
        calendar_id=conflict.calendar_id,
        start_time=to_timestamp(conflict.time.start),
        end_time=to_timestamp(conflict.time.end),
    )
