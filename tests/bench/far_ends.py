"""A local Google whose answers fail each link, and a local Slack that takes what comes. Run as a process.

It notes when it wrote its last answer about each link, and when a message about each came: GET /instants tells. The
instants are nanoseconds of the system's clock, which all processes of a machine share. It is a bare protocol on a
socket, so that it is never what bounds the measurement.
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

_NUMBER = re.compile(rb"(?:link-|account-|[CDU])(\d{4})\b")
_VOID = {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
_TEAM = {"ok": True, "team": "bench", "team_id": "T1", "user_id": "U1", "bot_id": "B1"}


class _FarEnds(asyncio.Protocol):
    """Answers each request by its path; a client sends no second one before the answer to the first."""

    answered: dict[str, int] = {}  # noqa: RUF012 - of all connections
    posted: dict[str, int] = {}  # noqa: RUF012 - of all connections

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases

    def data_received(self, data: bytes) -> None:
        now = time.time_ns()
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = b""
        path, _, query = head.split(b" ", 2)[1].partition(b"?")
        found = _NUMBER.search(query + b"&" + body)
        number = found[1].decode() if found else ""
        match path.rpartition(b"/")[2]:
            case b"token":
                self._write(_VOID, status=400)
                self.answered[number] = time.time_ns()
            case b"chat.postMessage":
                self.posted.setdefault(number, now)
                self._write({"ok": True, "channel": f"C{number}", "ts": f"{number}.000001"})
            case b"users.lookupByEmail":
                self._write({"ok": True, "user": {"id": f"U{number}"}})
            case b"conversations.open":
                self._write({"ok": True, "channel": {"id": f"D{number}"}})
            case b"instants":
                self._write({"answered": self.answered, "posted": self.posted})
            case _:
                self._write(_TEAM)

    def _write(self, body: object, status: int = 200) -> None:
        encoded = json.dumps(body).encode()
        kind = "Content-Type: application/json; charset=UTF-8"
        head = f"HTTP/1.1 {status} X\r\n{kind}\r\nContent-Length: {len(encoded)}\r\n\r\n"
        self._transport.write(head.encode() + encoded)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_FarEnds, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
