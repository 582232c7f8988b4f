"""A bare grpc.aio server: what this stack does without Calguard. Run as a process; its one argument is a file.

`Get` answers the file's bytes, whatever it is asked. `Change` takes changes, each as the bytes of one message, and
answers at once; `Watch` writes every change to its stream as it is, one by one.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import uvloop

from calguard_server.grpc_api.server import OPTIONS

SERVICE = "bench.Bare"
_OPENED = b""


class _Bare:
    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._changes: list[bytes] = []
        self._changed = asyncio.Event()

    async def get(self, _request: bytes, _context: object) -> bytes:
        return self._answer

    async def change(self, request: bytes, _context: object) -> bytes:
        self._changes.append(request)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return self._answer

    async def watch(self, _request: bytes, context: Any) -> None:  # noqa: ANN401 - generic in the stubs only
        cursor = len(self._changes)
        await context.write(_OPENED)
        while True:
            changed = self._changed
            while cursor < len(self._changes):
                await context.write(self._changes[cursor])
                cursor += 1
            await changed.wait()


async def _serve(answer: bytes) -> None:
    bare = _Bare(answer)
    server = grpc.aio.server(options=OPTIONS)
    handlers: dict[str, Any] = {
        "Get": grpc.unary_unary_rpc_method_handler(bare.get),
        "Change": grpc.unary_unary_rpc_method_handler(bare.change),
        "Watch": grpc.unary_stream_rpc_method_handler(bare.watch),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]).read_bytes()))
