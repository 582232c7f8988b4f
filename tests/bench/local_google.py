"""A local Google that answers at once and always the same: what checks are measured against. Run as a process.

It is a bare protocol on a socket, so that it is never what bounds the measurement.
"""

import asyncio
import json
import sys
from typing import cast

import uvloop

CALENDAR = "me@example.com"

_BODIES = {
    b"/token": {"access_token": "ya29." + "x" * 200, "expires_in": 3600, "token_type": "Bearer"},
    b"/calendar/v3/freeBusy": {
        "kind": "calendar#freeBusy",
        "timeMin": "2026-01-01T00:00:00.000Z",
        "timeMax": "2026-01-02T00:00:00.000Z",
        "calendars": {CALENDAR: {"busy": [{"start": "2026-01-01T09:00:00Z", "end": "2026-01-01T10:00:00Z"}]}},
    },
    b"/calendar/v3/users/me/calendarList/": {
        "kind": "calendar#calendarListEntry",
        "id": CALENDAR,
        "summary": CALENDAR,
        "accessRole": "owner",
        "primary": True,
    },
}


def _answer(body: object) -> bytes:
    encoded = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


_ANSWERS = {path: _answer(body) for path, body in _BODIES.items()}


class _Google(asyncio.Protocol):
    """Answers each request by how its path begins; a client sends no second one before the answer to the first."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        self._transport.write(next(answer for begin, answer in _ANSWERS.items() if path.startswith(begin)))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Google, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
