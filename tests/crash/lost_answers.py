"""A wire to a server that carries every call, and loses what is answered once it is told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_MOST_AT_ONCE = 65_536


class LostAnswers:
    """`port` leads to a server's port. Answers are `lost` from when that is set."""

    def __init__(self, to_port: int) -> None:
        self.port = 0
        self.lost = False
        self._to_port = to_port
        self._wires: set[asyncio.Task[None]] = set()

    async def carry(self, caller: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes it."""
        server, to_server = await asyncio.open_connection("127.0.0.1", self._to_port)
        task = asyncio.current_task()
        assert task is not None
        self._wires.add(task)
        ways = [asyncio.ensure_future(_carry(caller, to_server)), asyncio.ensure_future(self._back(server, to_caller))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for writer in (to_caller, to_server):
                writer.transport.abort()
            self._wires.discard(task)

    async def _back(self, server: asyncio.StreamReader, to_caller: asyncio.StreamWriter) -> None:
        while data := await server.read(_MOST_AT_ONCE):
            if not self.lost:
                to_caller.write(data)

    async def end(self) -> None:
        for wire in list(self._wires):
            wire.cancel()
        await asyncio.gather(*self._wires, return_exceptions=True)


@asynccontextmanager
async def lost_answers(to_port: int) -> AsyncIterator[LostAnswers]:
    wire = LostAnswers(to_port)
    listener = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    wire.port = listener.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        listener.close()
        await wire.end()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_MOST_AT_ONCE):
        writer.write(data)
