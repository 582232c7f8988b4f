"""Every method of the contract, read from its descriptors, and called with messages or with bytes."""

from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from calguard.v1 import (
    account_pb2,
    appointment_pb2,
    booking_page_pb2,
    calendar_link_pb2,
    notification_pb2,
    provider_pb2,
    server_pb2,
    silence_pb2,
    slack_workspace_pb2,
    watch_pb2,
)

_FILES = (
    account_pb2,
    appointment_pb2,
    booking_page_pb2,
    calendar_link_pb2,
    notification_pb2,
    provider_pb2,
    server_pb2,
    slack_workspace_pb2,
    silence_pb2,
    watch_pb2,
)


@dataclass(frozen=True)
class Method:
    """A method: its short name, its path on the wire, what it takes and answers."""

    name: str
    path: str
    request: type[Message]
    response: type[Message]
    streams: bool

    async def call(self, channel: grpc.aio.Channel, request: Message) -> Any:  # noqa: ANN401 - what the method answers
        """Call it; of a stream, the first message."""
        return self.response.FromString(await self.call_raw(channel, request.SerializeToString()))

    async def call_raw(self, channel: grpc.aio.Channel, raw: bytes) -> bytes:
        """Call it with any bytes at all."""
        if not self.streams:
            unary: Any = channel.unary_unary(self.path)
            return bytes(await unary(raw))
        opened: Any = channel.unary_stream(self.path)
        stream = opened(raw)
        try:
            return bytes(await stream.read())
        finally:
            stream.cancel()


def _methods() -> dict[str, Method]:
    found = {}
    for file in _FILES:
        for service in file.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
                path = f"/{service.full_name}/{method.name}"
                found[method.name] = Method(method.name, path, request, response, method.server_streaming)
    return found


METHODS = _methods()
