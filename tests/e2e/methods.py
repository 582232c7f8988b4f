"""Every method of the contract, read from its descriptors, and called with messages or with bytes."""

from dataclasses import dataclass
from typing import Any

import grpc.aio
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from tests.fakes.contract import CONTRACT


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
    for file in CONTRACT:
        for service in file.services_by_name.values():
            for method in service.methods:
                request, response = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
                path = f"/{service.full_name}/{method.name}"
                found[method.name] = Method(method.name, path, request, response, method.server_streaming)
    return found


METHODS = _methods()
