"""A gRPC server over a real socket that answers, fails, breaks off and falls silent as a test says."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

SILENCE = "silence"
"""A step of a stream: nothing more comes, until the client goes."""

Step = Message | grpc.StatusCode | tuple[grpc.StatusCode, str] | str
"""A message, or how the call ends: a status, with or without Calguard's reason. After the last step it ends well."""


@dataclass(frozen=True)
class Call:
    """A call as the server got it."""

    method: str
    request: bytes
    metadata: dict[str, str | bytes]
    seconds_left: float | None


@dataclass
class ScriptedServer(grpc.GenericRpcHandler):
    """`scripts` has for each method, by its short name, the steps of one call after another; the last is repeated."""

    scripts: dict[str, list[Sequence[Step]]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    address: str = ""
    _counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def calls_of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.method.endswith(f"/{name}")]

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        name = handler_call_details.method.rpartition("/")[2]
        details = handler_call_details

        def stream(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            for step in self._steps(name, details, request, context):
                yield from _play(step, context)

        def unary(request: bytes, context: grpc.ServicerContext) -> bytes:
            return next(stream(request, context))

        if name in ("Watch", "DiagnoseCalendarLink"):
            return grpc.unary_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(unary)

    def _steps(
        self, name: str, details: grpc.HandlerCallDetails, request: bytes, context: grpc.ServicerContext
    ) -> Sequence[Step]:
        metadata = dict(details.invocation_metadata or ())
        scripts = self.scripts[name]
        with self._lock:
            self.calls.append(Call(details.method, request, metadata, context.time_remaining()))
            turn = self._counts[name]
            self._counts[name] += 1
        return scripts[min(turn, len(scripts) - 1)]


def _play(step: Step, context: grpc.ServicerContext) -> Iterator[bytes]:
    match step:
        case Message():
            yield step.SerializeToString()
        case str():
            gone = threading.Event()
            if context.add_callback(gone.set):
                gone.wait()
        case (code, reason):
            status = status_pb2.Status(code=code.value[0], message=f"told: {reason}")
            packed = AnyMessage()
            packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="calguard.v1", metadata={"told": "yes"}))
            status.details.append(packed)
            context.abort_with_status(rpc_status.to_status(status))
        case _:
            context.abort(step, "told by a proxy")


@contextmanager
def scripted_server(
    *, credentials: grpc.ServerCredentials | None = None, **scripts: list[Sequence[Step]]
) -> Iterator[ScriptedServer]:
    script = ScriptedServer(scripts)
    server = grpc.server(ThreadPoolExecutor(16), handlers=(script,), options=(("grpc.so_reuseport", 0),))
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    script.address = f"127.0.0.1:{port}"
    server.start()
    try:
        yield script
    finally:
        server.stop(grace=None).wait()
