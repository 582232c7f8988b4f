"""What tests book, and how they look at it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox.google.accounts import Event
from tests.e2e.backend import Backend

HOUR = timedelta(hours=1)
_REQUEST_IDS = count(1)


def new_request_id() -> str:
    return f"00000000-0000-4000-8000-{next(_REQUEST_IDS):012}"


def booking(backend: Backend, page_id: str, after: float, **fields: Any) -> pb.AssignAppointmentRequest:  # noqa: ANN401 - the message's fields
    """An hour's appointment, so many hours from when the backend's clock began."""
    start = (backend.clock.now().replace(minute=0, second=0, microsecond=0)) + after * HOUR
    whole = {"booking_page_id": page_id, "title": "Visit", "request_id": new_request_id()} | fields
    request = pb.AssignAppointmentRequest(**whole)
    request.start_time.FromDatetime(start)
    request.end_time.FromDatetime(start + HOUR)
    return request


async def assign(backend: Backend, page_id: str, after: float, **fields: Any) -> pb.Appointment:  # noqa: ANN401 - the message's fields
    return (await backend.appointments.AssignAppointment(booking(backend, page_id, after, **fields))).appointment


async def read(backend: Backend, appointment_id: str) -> pb.Appointment:
    return (await backend.appointments.GetAppointment(pb.GetAppointmentRequest(id=appointment_id))).appointment


async def cancel(backend: Backend, appointment_id: str) -> pb.Appointment:
    return (await backend.appointments.CancelAppointment(pb.CancelAppointmentRequest(id=appointment_id))).appointment


async def reassign(backend: Backend, appointment_id: str, account_id: str = "") -> pb.Appointment:
    request = pb.ReassignAppointmentRequest(id=appointment_id, account_id=account_id)
    return (await backend.appointments.ReassignAppointment(request)).appointment


async def listed(backend: Backend, **fields: Any) -> list[pb.Appointment]:  # noqa: ANN401 - the message's fields
    answer = await backend.appointments.ListAppointments(pb.ListAppointmentsRequest(**fields))
    return list(answer.appointments)


async def until(backend: Backend, appointment_id: str, reached: Callable[[pb.Appointment], bool]) -> pb.Appointment:
    """The appointment once it is as wished; time moves on by itself meanwhile."""

    async def look() -> pb.Appointment:
        while not reached(found := await read(backend, appointment_id)):
            pass
        return found

    return await backend.ticking(look())


def all_are(state: int) -> Callable[[pb.Appointment], bool]:
    return lambda appointment: all(each.entry_state == state for each in appointment.assignees)


def events(backend: Backend, calendar_id: str) -> list[Event]:
    """What a calendar at Google shows, but for what was deleted."""
    every = backend.sandbox.google.calendar(calendar_id).events.values()
    return [event for event in every if not event.cancelled]


def holders(appointment: pb.Appointment) -> list[str]:
    return [each.account_id for each in appointment.assignees]


def begins(appointment: pb.Appointment) -> datetime:
    return appointment.start_time.ToDatetime(UTC)
