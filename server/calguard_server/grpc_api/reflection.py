"""Server reflection, v1alpha and v1: the same messages on the wire, under two names.

grpcio-reflection offers v1alpha only. For v1 its servicer is registered under the newer name, and the description of
that name is made from the older one's, so that a tool that asks for it is answered too. The contract is described
with its comments, so that `grpcurl describe` reads like the .proto files.

A stream has any number of questions, so each counts for its caller's rate as a call does.
"""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from importlib.resources import files
from typing import Any

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

from calguard_server.grpc_api.handlers import Context
from calguard_server.grpc_api.open_streams import OpenStreams, address_of

_ALPHA, _V1 = "grpc.reflection.v1alpha", "grpc.reflection.v1"
_V1_FILE = "grpc/reflection/v1/reflection.proto"
V1_SERVICE_NAME = f"{_V1}.ServerReflection"


def add_reflection(
    server: grpc.aio.Server, services: Sequence[str], streams: OpenStreams, admit: Callable[[Context], None]
) -> None:
    """Let callers ask for the services named, and for reflection itself; `admit` may refuse a question of a stream.

    The first question is let in with the stream itself.
    """
    _describe_v1(descriptor_pool.Default())
    names = (*services, reflection.SERVICE_NAME, V1_SERVICE_NAME)
    servicer = reflection.aio.ReflectionServicer(names, pool=_CommentedPool(descriptor_pool.Default()))

    async def answer(requests: AsyncIterable[Any], context: Context) -> None:
        answers: Any = servicer.ServerReflectionInfo(_admitted(requests, context, admit), context)
        with streams.one(address_of(context)):  # also while an answer is written, which a generator would not see end
            async with aclosing(answers):
                async for response in answers:
                    await context.write(response)

    handlers = {
        "ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(
            answer,
            request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
            response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
    }
    for name in (reflection.SERVICE_NAME, V1_SERVICE_NAME):
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))


async def _admitted(
    requests: AsyncIterable[Any], context: Context, admit: Callable[[Context], None]
) -> AsyncIterator[Any]:
    first = True
    async for request in requests:
        if not first:
            admit(context)
        first = False
        yield request


class _CommentedFile:
    """A file of the contract with its comments, which the stubs leave out, as far as reflection looks at files."""

    def __init__(self, file: FileDescriptor, commented: Mapping[str, descriptor_pb2.FileDescriptorProto]) -> None:
        self.name = file.name
        self._file = file
        self._commented = commented

    @property
    def dependencies(self) -> list["_CommentedFile"]:
        """The files that it imports."""
        return [_CommentedFile(each, self._commented) for each in self._file.dependencies]

    def CopyToProto(self, proto: descriptor_pb2.FileDescriptorProto) -> None:  # noqa: N802 - named by protobuf
        """Write the file's description."""
        if self.name in self._commented:
            proto.CopyFrom(self._commented[self.name])
        else:
            self._file.CopyToProto(proto)


class _CommentedPool:
    """A descriptor pool whose files carry their comments, and which finds methods: protobuf's own does neither."""

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool
        described = descriptor_pb2.FileDescriptorSet.FromString(
            (files("calguard.v1") / "descriptors.binpb").read_bytes()
        )
        self._commented = {file.name: file for file in described.file}

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all else is the pool's own
        return getattr(self._pool, name)

    def FindFileByName(self, name: str) -> _CommentedFile:  # noqa: N802 - named by protobuf
        """Find a file. Raises KeyError."""
        return _CommentedFile(self._pool.FindFileByName(name), self._commented)

    def FindFileContainingSymbol(self, symbol: str) -> _CommentedFile:  # noqa: N802 - named by protobuf
        """Find the file of a symbol; of a method, its service's. Raises KeyError."""
        try:
            file = self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            file = self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file
        return _CommentedFile(file, self._commented)


def _describe_v1(pool: descriptor_pool.DescriptorPool) -> None:
    try:
        pool.FindFileByName(_V1_FILE)
    except KeyError:
        pool.AddSerializedFile(_renamed().SerializeToString())


def _renamed() -> descriptor_pb2.FileDescriptorProto:
    described = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(described)
    described.name, described.package = _V1_FILE, _V1
    for message in described.message_type:
        for field in message.field:
            if field.type_name:  # empty for the types that protobuf has of its own
                field.type_name = field.type_name.replace(f".{_ALPHA}.", f".{_V1}.")
    for method in described.service[0].method:
        method.input_type = method.input_type.replace(f".{_ALPHA}.", f".{_V1}.")
        method.output_type = method.output_type.replace(f".{_ALPHA}.", f".{_V1}.")
    return described
