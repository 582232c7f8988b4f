"""Both clients behind one face, so that each test of what they share runs with each."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from google.protobuf.message import Message

from calguard.v1 import watch_pb2 as pb
from calguard_client import AsyncClient, AsyncWatch, Client, ClientOptions, Watch, WatchEvent
from calguard_client.watching.resumption import Resumption
from tests.patience import PATIENCE_SECONDS

Enough = Callable[[WatchEvent], bool]


class Kind(Protocol):
    """A way to use the library."""

    def call(self, address: str, service: str, method: str, request: Message, options: ClientOptions) -> object:
        """Make one call. Of a stream: all its messages."""
        ...

    def follow(self, address: str, request: pb.WatchRequest, enough: Enough, silence: timedelta) -> list[WatchEvent]:
        """Watch up to an event; waits between streams are the shortest possible."""
        ...


def resumption(request: pb.WatchRequest, silence: timedelta) -> Resumption:
    return Resumption(request, lambda: 0.0, silence)


@dataclass(frozen=True)
class Asyncio:
    def call(self, address: str, service: str, method: str, request: Message, options: ClientOptions) -> object:
        async def run() -> object:
            async with AsyncClient(address, options) as client:
                call: Any = getattr(getattr(client, service), method)(request)
                return [each async for each in call] if hasattr(call, "__aiter__") else await call

        return asyncio.run(run())

    def follow(self, address: str, request: pb.WatchRequest, enough: Enough, silence: timedelta) -> list[WatchEvent]:
        async def run() -> list[WatchEvent]:
            told: list[WatchEvent] = []
            async with (
                asyncio.timeout(PATIENCE_SECONDS),
                AsyncClient(address) as client,
                AsyncWatch(client.watches.Watch, resumption(request, silence)) as watch,  # type: ignore[arg-type]
            ):
                while not told or not enough(told[-1]):
                    told.append(await anext(watch))
            return told

        return asyncio.run(run())


@dataclass(frozen=True)
class Threads:
    def call(self, address: str, service: str, method: str, request: Message, options: ClientOptions) -> object:
        with Client(address, options) as client:
            call = getattr(getattr(client, service), method)(request)
            return list(call) if hasattr(call, "__next__") else call

    def follow(self, address: str, request: pb.WatchRequest, enough: Enough, silence: timedelta) -> list[WatchEvent]:
        told: list[WatchEvent] = []
        with (
            Client(address) as client,
            Watch(client.watches.Watch, resumption(request, silence)) as watch,  # type: ignore[arg-type]
        ):
            while not told or not enough(told[-1]):
                told.append(next(watch))
        return told


KINDS: list[Kind] = [Asyncio(), Threads()]
KIND_NAMES = ["asyncio", "threads"]
