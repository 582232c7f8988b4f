"""One watcher that does as it pleases: reads, stalls, leaves, comes back with an old token, or begins anew."""

import random
from dataclasses import dataclass, field
from typing import Any

import grpc.aio

from calguard.v1 import watch_pb2 as watch_pb
from calguard_client.refusal import Refusal
from tests.crash.battered import BatteredServer
from tests.e2e.stubs import Stubs
from tests.e2e.watching import DELETED, SNAPSHOT, Watcher
from tests.torture.oracle import Filter, Key, Told, comparable, key_of

_RESUMED = {"SLOW_CONSUMER", "SERVER_DRAINING"}
LATEST = watch_pb.WATCH_MODE_LATEST


@dataclass
class Copy:
    """What a subscriber has after some token: the resources that pass, and what it was told since its snapshot."""

    token: str = ""
    held: dict[Key, Any] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)

    def clone(self) -> "Copy":
        return Copy(self.token, dict(self.held), list(self.told))


class Subscriber:
    """Keeps a copy of what passes its filter. `tally` counts what it did."""

    def __init__(self, server: BatteredServer, narrowed: Filter, *, latest: bool, chance: random.Random) -> None:
        self.filter = narrowed
        self.latest = latest
        self.copy = Copy()
        self.tally = dict.fromkeys(("streams", "stalls", "went back", "began anew", "given up"), 0)
        self._server = server
        self._chance = chance
        self._older = Copy()

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            self._choose_where_to_begin()
            await self._stream(self._chance.randint(1, 60))

    async def catch_up(self) -> None:
        """Watch until there is nothing newer."""
        while not await self._stream(0):
            pass

    def _choose_where_to_begin(self) -> None:
        chosen = self._chance.random()
        if chosen < 0.15 and self._older.token:
            self.tally["went back"] += 1
            self.copy = self._older.clone()
        elif chosen < 0.2:
            self.tally["began anew"] += 1
            self.copy, self._older = Copy(), Copy()

    async def _stream(self, messages: int) -> bool:
        """Read so many messages, or up to the first that says that there is nothing newer; whether that came."""
        life, stubs = await self._server.current()
        watcher = self._open(stubs)
        self.tally["streams"] += 1
        try:
            return await self._read(watcher, messages)
        except grpc.aio.AioRpcError as error:
            if Refusal.of(error).reason in _RESUMED:
                self.tally["given up"] += 1
            else:
                await self._server.outlive(life, error)
            return False
        finally:
            watcher.cancel()

    def _open(self, stubs: Stubs) -> Watcher:
        if not self.copy.token:
            self.copy = Copy()  # a snapshot that broke begins anew
        return stubs.watch(
            account_ids=self.filter.account_ids,
            booking_page_ids=self.filter.booking_page_ids,
            kinds=self.filter.kinds,
            mode=LATEST if self.latest else watch_pb.WATCH_MODE_EVERY,
            resume_token=self.copy.token,
            progress_interval={"seconds": 1},
        )

    async def _read(self, watcher: Watcher, messages: int) -> bool:
        for number in range(1, messages + 1 if messages else 1_000_000_000):
            message = await watcher.read()
            self._take(message)
            if not messages and message.progress:
                return True
            if messages and self._chance.random() < 0.03:
                await self._stall()
            if number % 20 == 0 and self.copy.token and self._chance.random() < 0.2:
                self._older = self.copy.clone()
        return False

    async def _stall(self) -> None:
        """Not read while others are told of some hundred changes more, or until those have come to an end."""
        self.tally["stalls"] += 1
        until = len(self._server.watched) + self._chance.randint(100, 1000)
        for _ in range(200):
            if len(self._server.watched) >= until:
                return
            await self._server.call(lambda stubs: stubs.notifications(), observed=False)

    def _take(self, message: watch_pb.WatchResponse) -> None:
        for change in message.changes:
            kind, _ = key = key_of(change)
            if change.type == DELETED or change.filter_transition == watch_pb.FILTER_TRANSITION_LEFT:
                self.copy.held.pop(key, None)
            else:
                self.copy.held[key] = comparable(getattr(change, kind))
            if change.type != SNAPSHOT:
                last = self.copy.told[-1][0] if self.copy.told else 0
                assert change.revision > last, f"revision {change.revision} came after {last}"
                self.copy.told.append((change.revision, change.filter_transition))
        self.copy.token = message.resume_token or self.copy.token
