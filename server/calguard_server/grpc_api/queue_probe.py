"""Finds how long calls wait to be taken up: a call of the server's own waits among them, again and again.

It is made while others come, and not otherwise. It comes in by a socket of its own, in a folder that only this user may
enter, so it is no matter how the others come; its method has a name that cannot be guessed.
"""

import asyncio
import secrets
import shutil
import tempfile
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import structlog

from calguard_server.grpc_api.handlers import Handler
from calguard_server.grpc_api.overload import Overload

_log = structlog.get_logger(__name__)

_APART, _APART_IN_LONG = 0.1, 0.02
"""Seconds from one probe to the next; while the queue is long it is looked at more closely. A probe takes 2 ms."""

_SECONDS_MAX = 5.0
_BUSY = 8
"""How many calls must have come since a probe for the next one to be made."""


class QueueProbe:
    """Tells `overload` how long calls wait. `timer` answers seconds that only grow."""

    def __init__(self, overload: Overload, timer: Callable[[], float]) -> None:
        self._overload = overload
        self._timer = timer
        self._method = f"/calguard.QueueProbe/{secrets.token_hex(16)}"
        self._handler: Handler = grpc.unary_unary_rpc_method_handler(_answer)
        self._folder: Path | None = None
        self._ask: Any = None
        self._channel: grpc.aio.Channel | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._waiting: deque[float] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._taken = 0
        self._counted_at = 0.0
        self._rate = 0.0

    def bind(self, server: grpc.aio.Server) -> None:
        """Have the server listen for the probe, too."""
        self._folder = Path(tempfile.mkdtemp(prefix="calguard-"))
        self._target = f"unix:{self._folder / 'probe'}"
        server.add_insecure_port(self._target)

    def taken(self) -> None:
        """Note that a call was taken up, and begin to probe where many are."""
        self._taken += 1
        if self._alarm is None and self._taken >= _BUSY and self._folder is not None:
            self._begin()

    def arrived(self, method: str) -> Handler | None:
        """Answer the handler of a probe, and note how long it waited; None for any other method."""
        if method != self._method:
            return None
        if self._waiting:
            now = self._timer()
            self._overload.note(now - self._waiting.popleft(), self._rate, now)
        return self._handler

    async def close(self) -> None:
        """End what was begun."""
        folder, self._folder = self._folder, None
        if self._alarm is not None:
            self._alarm.cancel()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def _begin(self) -> None:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(self._target, (("grpc.use_local_subchannel_pool", 1),))
            self._ask = self._channel.unary_unary(self._method)
        apart = _APART_IN_LONG if self._overload.long else _APART
        self._alarm = asyncio.get_running_loop().call_later(apart, self._tick)

    def _tick(self) -> None:
        """Note how long the oldest probe waits by now, and make another while calls come."""
        self._alarm = None
        now = self._timer()
        taken, self._taken = self._taken, 0
        self._rate, self._counted_at = taken / max(now - self._counted_at, _APART_IN_LONG), now
        if self._waiting:
            self._overload.note(now - self._waiting[0], self._rate, now)
        if taken < _BUSY and not self._waiting:
            self._overload.note(0, self._rate, now)
            return
        self._begin()
        self._waiting.append(now)
        call = asyncio.create_task(self._probe(now))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _probe(self, sent_at: float) -> None:
        try:
            await self._ask(b"", timeout=_SECONDS_MAX)
        except grpc.aio.AioRpcError as error:  # that it waits was noted
            _log.warning("a probe of the queue failed", code=error.code().name)
            if sent_at in self._waiting:
                self._waiting.remove(sent_at)


async def _answer(_request: bytes, _context: object) -> bytes:
    return b""
