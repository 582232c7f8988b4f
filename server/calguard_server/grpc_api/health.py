"""Health by the standard protocol, List included, which grpcio's own servicer leaves out.

Anybody may call it, so its calls are taken up when they are opened, and not once their request is there: else whoever
opens them and sends none would be counted nowhere.
"""
# ruff: noqa: N802 - the methods are named by the protocol

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from grpc_health.v1 import health, health_pb2

from calguard_server.domain.errors import FieldViolation, InvalidArgumentError
from calguard_server.grpc_api.first_request import FirstRequests
from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.open_streams import OpenStreams, address_of

T = TypeVar("T")
_Behaviour = Callable[[Any, Context], Awaitable[T]]
_Served = Callable[[AsyncGenerator[Any, None], Context], Awaitable[T]]

_NAME_MAX = 200


class HealthService(health.aio.HealthServicer):
    """The status of each service, and under the empty name that of the server as a whole."""

    def __init__(self, services: Sequence[str]) -> None:
        super().__init__()
        self._services = ("", *services)

    async def List(self, _request: Message, context: Context) -> Message:
        """Answer every status."""
        asked = [health_pb2.HealthCheckRequest(service=service) for service in self._services]
        statuses = {each.service: await self.Check(each, context) for each in asked}
        response: Message = health_pb2.HealthListResponse(statuses=statuses)  # type: ignore[attr-defined] # its stubs lag
        return response


def add_health_service(
    service: HealthService, server: grpc.aio.Server, watches: OpenStreams, first: FirstRequests
) -> None:
    """Register the service; its watches are among those that may be open."""

    async def watch(requests: AsyncGenerator[Any, None], context: Context) -> None:
        request = _named(await first.of(requests))
        with watches.one(address_of(context)):
            await service.Watch(request, context)

    def once(behaviour: _Behaviour[T]) -> _Served[T]:
        async def serve(requests: AsyncGenerator[Any, None], context: Context) -> T:
            return await behaviour(_named(await first.of(requests)), context)

        return serve

    unary, stream = grpc.stream_unary_rpc_method_handler, grpc.stream_stream_rpc_method_handler
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Check": unary(once(service.Check), **_coded("HealthCheckRequest", "HealthCheckResponse")),
        "List": unary(once(service.List), **_coded("HealthListRequest", "HealthListResponse")),
        "Watch": stream(watch, **_coded("HealthCheckRequest", "HealthCheckResponse")),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(health.SERVICE_NAME, handlers),))


def _coded(request: str, response: str) -> dict[str, Any]:
    kinds = vars(health_pb2)
    return {
        "request_deserializer": kinds[request].FromString,
        "response_serializer": kinds[response].SerializeToString,
    }


def _named(request: Any) -> Any:  # noqa: ANN401 - one of two messages
    """Refuse a name that is no service's and is kept for as long as it is watched. Raises InvalidArgumentError."""
    if len(getattr(request, "service", "")) > _NAME_MAX:
        raise InvalidArgumentError.of_fields(
            FieldViolation("service", f"expected the name of a service: at most {_NAME_MAX} characters")
        )
    return request
