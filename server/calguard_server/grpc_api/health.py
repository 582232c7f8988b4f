"""Health by the standard protocol, List included, which grpcio's own servicer leaves out."""
# ruff: noqa: N802 - the methods are named by the protocol

from collections.abc import Sequence

import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2

_Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]


class HealthService(health.aio.HealthServicer):
    """The status of each service, and under the empty name that of the server as a whole."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__()
        self._services = ("", *services)

    async def List(self, _request: Message, context: _Context) -> Message:
        """Answer every status."""
        asked = [health_pb2.HealthCheckRequest(service=service) for service in self._services]
        statuses = {each.service: await self.Check(each, context) for each in asked}
        response: Message = health_pb2.HealthListResponse(statuses=statuses)  # type: ignore[attr-defined] # its stubs lag
        return response
