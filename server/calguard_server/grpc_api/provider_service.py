"""ProviderService."""
# ruff: noqa: N802 - the methods are named by the contract

from calguard.v1 import calendar_link_pb2, provider_pb2, provider_pb2_grpc
from calguard_server.engine.provider_incidents import ProviderIncidents
from calguard_server.grpc_api.convert import provider_status_to_wire
from calguard_server.grpc_api.validation import Checker

_KNOWN = (calendar_link_pb2.CALENDAR_PROVIDER_UNSPECIFIED, calendar_link_pb2.CALENDAR_PROVIDER_GOOGLE)


class ProviderService(provider_pb2_grpc.ProviderServiceServicer):
    """How the calendar provider is."""

    def __init__(self, incidents: ProviderIncidents) -> None:
        self._incidents = incidents

    async def GetProviderStatus(
        self, request: provider_pb2.GetProviderStatusRequest, _context: object
    ) -> provider_pb2.GetProviderStatusResponse:
        """Read the provider's status."""
        check = Checker()
        check.expect(request.provider in _KNOWN, "provider", "expected CALENDAR_PROVIDER_GOOGLE, or nothing")
        check.refuse()
        return provider_pb2.GetProviderStatusResponse(provider_status=provider_status_to_wire(self._incidents.status))
