"""A bare grpc.aio server that books without deciding anything: it asks free/busy, and writes one row. Run as a process.

Its arguments are Google's endpoint, and a folder: for the database, and with a file `members` of calendars and access
tokens. `Assign` takes of how many members to ask free/busy, at once; it answers when the answers are read and a row of
about an answer's size is committed (SQLite, WAL, synchronous=FULL).
"""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import aiohttp
import grpc
import grpc.aio
import uvloop

from calguard_server.grpc_api.server import OPTIONS

SERVICE = "bench.BareAssigning"
_ROW = b"x" * 400
_START = "2026-01-05T09:00:00Z"
_END = "2026-01-05T09:30:00Z"


class _Bare:
    def __init__(self, session: aiohttp.ClientSession, endpoint: str, folder: Path) -> None:
        self._session = session
        self._url = f"{endpoint}freeBusy"
        members = json.loads((folder / "members").read_text())
        self._members_in_turn = cycle([_request(*each) for each in members])
        self._thread = ThreadPoolExecutor(1)
        self._database = sqlite3.connect(folder / "bare", isolation_level=None, check_same_thread=False)
        for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "CREATE TABLE assigned (row BLOB)"):
            self._database.execute(statement)

    async def assign(self, request: bytes, _context: object) -> bytes:
        await asyncio.gather(*(self._ask(*next(self._members_in_turn)) for _ in range(int(request))))
        await asyncio.get_running_loop().run_in_executor(self._thread, self._write)
        return _ROW

    async def _ask(self, headers: Mapping[str, str], body: bytes) -> None:
        async with self._session.post(self._url, headers=headers, data=body) as answer:
            await answer.read()
            assert answer.status == 200

    def _write(self) -> None:
        self._database.execute("INSERT INTO assigned VALUES (?)", (_ROW,))


def _request(calendar_id: str, token: str) -> tuple[Mapping[str, str], bytes]:
    body = {"timeMin": _START, "timeMax": _END, "items": [{"id": calendar_id}]}
    return {"authorization": f"Bearer {token}", "content-type": "application/json"}, json.dumps(body).encode()


async def _serve(endpoint: str, folder: Path) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        bare = _Bare(session, endpoint, folder)
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
