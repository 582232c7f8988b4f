"""AppointmentService."""
# ruff: noqa: N802 - the methods are named by the contract

import asyncio

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import appointment_pb2_grpc
from calguard_server.domain.appointment import Appointment
from calguard_server.engine.appointments import Appointments
from calguard_server.engine.availability_query import Availability
from calguard_server.grpc_api.appointment_wire import (
    appointment_to_wire,
    paging_of,
    position_of,
    read_booking,
    read_filter,
    read_position,
)
from calguard_server.grpc_api.availability_wire import encode_availability, read_query
from calguard_server.grpc_api.deadlines import patience_of
from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.paging import page_size, split
from calguard_server.grpc_api.validation import Checker, require_id


class AppointmentService(appointment_pb2_grpc.AppointmentServiceServicer):
    """When pages can be booked, and what is booked on them."""

    def __init__(self, availability: Availability, appointments: Appointments) -> None:
        self._availability = availability
        self._appointments = appointments

    async def QueryAvailability(  # type: ignore[override]  # the interceptor takes bytes for an encoded answer
        self, request: pb.QueryAvailabilityRequest, context: Context
    ) -> bytes:
        """Tell when a page can be booked."""
        query = read_query(request)
        patience = patience_of(context)
        found = await self._availability.query(query.booking_page_id, query.window, query.duration, patience)
        # It finds them as well: of hundreds of members over months that takes a while, and others are not to wait.
        return await asyncio.to_thread(encode_availability, found)

    async def AssignAppointment(
        self, request: pb.AssignAppointmentRequest, context: Context
    ) -> pb.AssignAppointmentResponse:
        """Assign an appointment."""
        booking = read_booking(request)
        call = request_of("AssignAppointment", request, _assigned)
        return _assigned(await self._appointments.assign(booking, call, patience_of(context)))

    async def GetAppointment(self, request: pb.GetAppointmentRequest, _context: object) -> pb.GetAppointmentResponse:
        """Read one appointment."""
        appointment = await self._appointments.get(require_id("id", request.id))
        return pb.GetAppointmentResponse(appointment=appointment_to_wire(appointment))

    async def ListAppointments(
        self, request: pb.ListAppointmentsRequest, _context: object
    ) -> pb.ListAppointmentsResponse:
        """List appointments in the order of their start times."""
        chosen = read_filter(request)
        paging, size = paging_of(chosen), page_size(request.page_size)
        after = read_position(paging.after(request.page_token))
        rows, more = split(await self._appointments.list(chosen, after, size + 1), size)
        return pb.ListAppointmentsResponse(
            appointments=[appointment_to_wire(row) for row in rows],
            next_page_token=paging.token(position_of(rows[-1])) if more else "",
        )

    async def CancelAppointment(
        self, request: pb.CancelAppointmentRequest, _context: object
    ) -> pb.CancelAppointmentResponse:
        """Cancel an appointment."""
        check = Checker()
        appointment_id = check.id("id", request.id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("CancelAppointment", request, _cancelled)
        return _cancelled(await self._appointments.cancel(appointment_id, etag, call))

    async def ReassignAppointment(
        self, request: pb.ReassignAppointmentRequest, context: Context
    ) -> pb.ReassignAppointmentResponse:
        """Give an appointment to another member."""
        check = Checker()
        appointment_id = check.id("id", request.id)
        account_id = check.optional_id("account_id", request.account_id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("ReassignAppointment", request, _reassigned)
        patience = patience_of(context)
        return _reassigned(await self._appointments.reassign(appointment_id, account_id, etag, call, patience))


def _assigned(appointment: Appointment) -> pb.AssignAppointmentResponse:
    return pb.AssignAppointmentResponse(appointment=appointment_to_wire(appointment))


def _cancelled(appointment: Appointment) -> pb.CancelAppointmentResponse:
    return pb.CancelAppointmentResponse(appointment=appointment_to_wire(appointment))


def _reassigned(appointment: Appointment) -> pb.ReassignAppointmentResponse:
    return pb.ReassignAppointmentResponse(appointment=appointment_to_wire(appointment))
