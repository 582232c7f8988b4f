"""A local Google that answers at once: what checks and queries are measured against. Run as a process.

It is a bare protocol on a socket, so that it is never what bounds the measurement. With a number as its argument, it
answers free/busy with so many stretches, in weeks that differ from one answer to the next.
"""

import asyncio
import json
import random
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle
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

FIRST_DAY = datetime(2035, 1, 1, tzinfo=UTC)
"""The Monday with which weeks of free/busy begin; what is past cannot be booked."""

_CALENDARS = 20
_DAYS_A_WEEK = 5


def _answer(body: object) -> bytes:
    encoded = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {len(encoded)}\r\n\r\n"
    return head.encode() + encoded


_ANSWERS = {path: _answer(body) for path, body in _BODIES.items()}

_FREE_BUSY = b"/calendar/v3/freeBusy"


def _weeks(stretches: int) -> Sequence[bytes]:
    """Answers of free/busy in turn: each so many meetings of half an hour to two hours, on weekdays from nine on."""
    chance = random.Random(1)
    answers = []
    for _ in range(_CALENDARS):
        busy = []
        for number in range(stretches):
            weekday = number % (4 * _DAYS_A_WEEK)
            day = FIRST_DAY + timedelta(days=weekday // _DAYS_A_WEEK * 7 + weekday % _DAYS_A_WEEK)
            start = day + timedelta(minutes=15 * chance.randrange(9 * 4, 17 * 4))
            end = start + timedelta(minutes=15 * chance.randint(2, 8))
            busy.append({"start": start.strftime("%Y-%m-%dT%H:%M:%SZ"), "end": end.strftime("%Y-%m-%dT%H:%M:%SZ")})
        answers.append(_answer({"kind": "calendar#freeBusy", "calendars": {CALENDAR: {"busy": busy}}}))
    return answers


class _Google(asyncio.Protocol):
    """Answers each request by how its path begins; a client sends no second one before the answer to the first."""

    def __init__(self, weeks: Iterator[bytes] | None = None) -> None:
        self._received = b""
        self._weeks = weeks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but its bases

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._received = b""
        path = head.split(b" ", 2)[1]
        if self._weeks is not None and path.startswith(_FREE_BUSY):
            self._transport.write(next(self._weeks))
            return
        self._transport.write(next(answer for begin, answer in _ANSWERS.items() if path.startswith(begin)))


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


async def _serve() -> None:
    weeks = cycle(_weeks(int(sys.argv[1]))) if len(sys.argv) > 1 else None
    server = await asyncio.get_running_loop().create_server(lambda: _Google(weeks), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve())
