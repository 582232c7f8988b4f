"""ServerService."""
# ruff: noqa: N802 - the methods are named by the contract

from calguard.v1 import server_pb2 as pb
from calguard.v1 import server_pb2_grpc
from calguard_server.engine.server_status import ServerStatus, StatusReading
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.convert import to_timestamp


class ServerService(server_pb2_grpc.ServerServiceServicer):
    """How the server is, in numbers."""

    def __init__(self, reading: StatusReading) -> None:
        self._reading = reading

    async def GetServerStatus(
        self, _request: pb.GetServerStatusRequest, _context: object
    ) -> pb.GetServerStatusResponse:
        """Read the server's status."""
        return pb.GetServerStatusResponse(server_status=_status_to_wire(await self._reading.read()))


def _status_to_wire(status: ServerStatus) -> pb.ServerStatus:
    oldest = status.oldest_unsent_time
    return pb.ServerStatus(
        version=status.version,
        start_time=to_timestamp(status.start_time),
        read_time=to_timestamp(status.read_time),
        revision=status.revision,
        calendar_link_counts=[
            pb.CalendarLinkStateCount(state=number, count=status.links[state])
            for state, number in sorted(enums.LINK_STATE.to_wire.items(), key=lambda pair: pair[1])
        ],
        booking_page_counts=[
            pb.BookingPageStateCount(state=number, count=status.pages[state])
            for state, number in sorted(enums.PAGE_STATE.to_wire.items(), key=lambda pair: pair[1])
        ],
        watches=status.watches,
        unsent_notifications=status.unsent,
        oldest_unsent_time=None if oldest is None else to_timestamp(oldest),
        dead_notifications=status.dead,
    )
