"""Connections to the mail server, kept for a while so that messages need not each connect, secure and log in.

1. There are never more than `side_by_side`. A message takes a place, or waits for one.
2. A connection that rested is asked (RSET) before it is used again. Where it does not answer as it should, it is ended,
   and so is all that rests beside it: what broke the one has most likely broken the others.
3. One that has rested for `rest`, or carried `messages_max` messages, is ended by QUIT.
4. Only what is known to be in order is kept: see `done`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.smtp_connection import SmtpConnection, SmtpServer

_log = structlog.get_logger()


class NoPlaceError(Exception):
    """As many connections as there may be are in use, and none got free in time."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`rest` is how long a connection is kept without a message, `reply` how long RSET or QUIT may take."""

    side_by_side: int = 4
    messages_max: int = 100
    rest: timedelta = timedelta(seconds=30)
    reply: timedelta = timedelta(seconds=5)


class SmtpConnections:
    """The connections to one mail server."""

    def __init__(self, server: SmtpServer, clock: Clock, limits: ConnectionLimits) -> None:
        self._server = server
        self._clock = clock
        self._limits = limits
        self._places = asyncio.Semaphore(limits.side_by_side)
        self._resting: list[SmtpConnection] = []  # the one that rests longest comes first
        self._some_rest = asyncio.Event()
        self._closed = False

    @asynccontextmanager
    async def place(self, wait_at_most: timedelta) -> AsyncIterator[None]:
        """Take a place, for one connection. Raises NoPlaceError where none gets free in time."""
        try:
            async with asyncio.timeout(wait_at_most.total_seconds()):
                await self._places.acquire()
        except TimeoutError:
            raise NoPlaceError from None
        try:
            yield
        finally:
            self._places.release()

    async def take(self) -> SmtpConnection:
        """Answer a connection that is in order: one that rested, or a new one. Raises as `open` does."""
        if self._resting:
            connection = self._resting.pop()
            if await self._is_good(connection):
                return connection
            while self._resting:
                self._drop(self._resting.pop(), "beside a stale one")
        return await self.open()

    async def _is_good(self, connection: SmtpConnection) -> bool:
        try:
            if connection.client.is_connected and await connection.answers():
                return True
        except BaseException:
            connection.client.close()
            raise
        self._drop(connection, "stale")
        return False

    async def open(self) -> SmtpConnection:
        """Answer a new connection. Raises StartTlsMissingError, and any of TROUBLES."""
        return await self._server.connect(self._limits.reply)

    async def done(self, connection: SmtpConnection, *, in_order: bool) -> None:
        """Take a connection back after a message; `in_order`: every command was answered, and none broke it off."""
        connection.messages += 1
        if not in_order or not connection.client.is_connected:
            self._drop(connection, "broken")
        elif self._closed or connection.messages >= self._limits.messages_max:
            await self._end(connection, "used up")
        else:
            connection.resting_since = self._clock.timer()
            self._resting.append(connection)
            self._some_rest.set()

    async def run(self) -> None:
        """End connections that have rested for long enough, until cancelled."""
        while True:
            await self._some_rest.wait()
            await self._clock.sleep(self._left_of(self._resting[0]) if self._resting else self._limits.rest)
            await self._end_rested()

    def _left_of(self, connection: SmtpConnection) -> timedelta:
        """Answer how long a connection may still rest."""
        return self._limits.rest - timedelta(seconds=self._clock.timer() - connection.resting_since)

    async def _end_rested(self) -> None:
        async with self._places:  # one that is being ended is one of those side by side
            while self._resting and self._left_of(self._resting[0]) <= timedelta():
                await self._end(self._resting.pop(0), "rested")
            if not self._resting:
                self._some_rest.clear()

    async def close(self) -> None:
        """End all that rest, and from now on each that comes back."""
        self._closed = True
        resting, self._resting = self._resting, []
        await asyncio.gather(*(self._end(connection, "closed") for connection in resting))

    async def _end(self, connection: SmtpConnection, why: str) -> None:
        _log.debug("SMTP connection ended", why=why, messages=connection.messages)
        await connection.end()

    def _drop(self, connection: SmtpConnection, why: str) -> None:
        _log.debug("SMTP connection dropped", why=why, messages=connection.messages)
        connection.client.close()
