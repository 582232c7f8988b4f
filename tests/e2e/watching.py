"""One watch as a client has it: what it was sent so far, and where to go on."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from calguard.v1 import watch_pb2 as watch_pb
from calguard.v1 import watch_pb2_grpc
from calguard_client.refusal import Refusal
from tests.patience import PATIENCE_SECONDS

SNAPSHOT = watch_pb.STATE_CHANGE_TYPE_SNAPSHOT
DELETED = watch_pb.STATE_CHANGE_TYPE_DELETED


def id_of(change: watch_pb.StateChange) -> str:
    """The id of the resource that a change is of."""
    resource: Any = getattr(change, change.WhichOneof("resource"))
    return str(resource.id)


class Watcher:
    """Reads a stream message by message. `changes` are what came after the snapshot, `known` what it held."""

    def __init__(self, channel: grpc.aio.Channel, **fields: object) -> None:
        stub: Any = watch_pb2_grpc.WatchServiceStub(channel)
        self._call = stub.Watch(watch_pb.WatchRequest(**fields))
        self.known: list[watch_pb.StateChange] = []
        self.changes: list[watch_pb.StateChange] = []
        self.messages: list[watch_pb.WatchResponse] = []
        self.token = ""

    async def read(self) -> watch_pb.WatchResponse:
        """The next message. Raises AioRpcError when the stream is ended with an error."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await self._call.read()
        assert message is not grpc.aio.EOF, "the stream ended without an error"
        self.messages.append(message)
        self.token = message.resume_token or self.token
        for change in message.changes:
            (self.known if change.type == SNAPSHOT else self.changes).append(change)
        return message

    async def snapshot(self) -> list[watch_pb.StateChange]:
        """Read to the end of the snapshot; what it held."""
        while not (await self.read()).snapshot_complete:
            pass
        return self.known

    async def until(self, reached: Callable[[watch_pb.StateChange], bool]) -> watch_pb.StateChange:
        """Read up to the message with such a change; that change."""
        while True:
            for change in (await self.read()).changes:
                if reached(change):
                    return change

    async def up_to(self, revision: int) -> list[int]:
        """Read up to that revision; the revisions of all changes so far, as they came."""
        while not self.changes or self.changes[-1].revision < revision:
            await self.read()
        return self.revisions

    async def ended(self) -> Refusal:
        """Read to the end, which is an error always; that error."""
        try:
            while True:
                await self.read()
        except grpc.aio.AioRpcError as error:
            return Refusal.of(error)

    @property
    def revisions(self) -> list[int]:
        return [change.revision for change in self.changes]

    def cancel(self) -> None:
        self._call.cancel()
