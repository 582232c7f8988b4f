"""A bare grpc.aio server that books without deciding anything: it asks free/busy, and writes one row. Run as a process.

Its arguments are the address of the local Google, and a folder for the database. `Assign` takes how many free/busy
calls to make, at once; it answers when their answers are read and a row of about an answer's size is committed (SQLite,
WAL, synchronous=FULL).
"""

import asyncio
import json
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import uvloop

from calguard_server.grpc_api.server import OPTIONS
from tests.bench.local_google import CALENDAR, FIRST_DAY

SERVICE = "bench.BareAssigning"
_ROW = b"x" * 400
_HEADERS = {"authorization": "Bearer ya29." + "x" * 200, "content-type": "application/json"}
_BODY = json.dumps(
    {
        "timeMin": FIRST_DAY.isoformat(),
        "timeMax": (FIRST_DAY + timedelta(minutes=30)).isoformat(),
        "items": [{"id": CALENDAR}],
    }
).encode()


class _Bare:
    def __init__(self, session: aiohttp.ClientSession, url: str, folder: Path) -> None:
        self._session = session
        self._url = f"{url}calendar/v3/freeBusy"
        self._thread = ThreadPoolExecutor(1)
        self._database = sqlite3.connect(folder / "bare", isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE assigned (row BLOB)"):
            self._database.execute(statement)

    async def assign(self, request: bytes, _context: object) -> bytes:
        await asyncio.gather(*(self._ask() for _ in range(int(request))))
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)
        return _ROW

    async def _ask(self) -> None:
        async with self._session.post(self._url, headers=_HEADERS, data=_BODY) as answer:
            await answer.read()

    def _write(self) -> None:
        self._database.execute("INSERT INTO assigned VALUES (?)", (_ROW,))


async def _serve(url: str, folder: Path) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bare = _Bare(session, url, folder)
        server = grpc.aio.server(options=OPTIONS)
        handlers = {"Assign": grpc.unary_unary_rpc_method_handler(bare.assign)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2])))
