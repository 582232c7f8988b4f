"""AppointmentService."""
# ruff: noqa: N802 - the methods are named by the contract

import asyncio

from calguard.v1 import appointment_pb2 as pb
from calguard.v1 import appointment_pb2_grpc
from calguard_server.engine.availability_query import Availability
from calguard_server.grpc_api.availability_wire import availability_to_wire, read_query


class AppointmentService(appointment_pb2_grpc.AppointmentServiceServicer):
    """When pages can be booked."""

    def __init__(self, availability: Availability) -> None:
        self._availability = availability

    async def QueryAvailability(
        self, request: pb.QueryAvailabilityRequest, _context: object
    ) -> pb.QueryAvailabilityResponse:
        """Tell when a page can be booked."""
        query = read_query(request)
        found = await self._availability.query(query.booking_page_id, query.window, query.duration)
        # Of hundreds of members over months it takes a while, and others are not to wait for it.
        return await asyncio.to_thread(availability_to_wire, found)
