"""Streams of a watch in virtual time, without gRPC: they do what a test says."""

import asyncio
from collections.abc import Awaitable, Callable

import grpc
import grpc.aio

from calguard.v1 import watch_pb2 as pb
from tests.unit.watch_messages import end, progress

Script = Callable[[], Awaitable[object]]


class Server:
    """Streams that do what a test says: each reads from `script`, called once for each message."""

    def __init__(self, script: Callable[["Server"], Script]) -> None:
        self.opened: list[tuple[float, str]] = []
        self.reads = 0
        self.open = 0
        self._script = script

    def __call__(self, request: pb.WatchRequest) -> "Server.Stream":
        self.opened.append((asyncio.get_running_loop().time(), request.resume_token))
        self.open += 1
        return self.Stream(self, self._script(self))

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.opened]

    class Stream:
        def __init__(self, server: "Server", script: Script) -> None:
            self._server = server
            self._script = script
            self._cancelled = False

        async def read(self) -> object:
            self._server.reads += 1
            return await self._script()

        def cancel(self) -> bool:
            self._server.open -= not self._cancelled
            self._cancelled = True
            return True


def failing(code: grpc.StatusCode) -> Callable[[Server], Script]:
    async def fail() -> object:
        raise grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), "said so")

    return lambda _: fail


def ending(*messages: pb.WatchResponse) -> Callable[[Server], Script]:
    """Each stream tells the messages, and then ends in good order."""

    def script(_server: Server) -> Script:
        left = iter(messages)

        async def read() -> object:
            return next(left, grpc.aio.EOF)

        return read

    return script


def silent(*messages: pb.WatchResponse) -> Callable[[Server], Script]:
    """Each stream tells the messages, and then nothing any more."""

    def script(_server: Server) -> Script:
        left = iter(messages)

        async def read() -> object:
            message = next(left, None)
            return message if message is not None else await asyncio.Event().wait()

        return read

    return script


def ticking(interval: float) -> Callable[[Server], Script]:
    """Each stream tells a snapshot, and then progress at an interval."""

    def script(_server: Server) -> Script:
        told = False

        async def read() -> object:
            nonlocal told
            if told:
                await asyncio.sleep(interval)  # noqa: TID251 - virtual: the loop jumps
                return progress("p")
            told = True
            return end("t")

        return read

    return script
