"""What both HTTP surfaces do with every request: look for a fault, answer, and keep a note of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from calguard_sandbox.faults.answers import NetworkFault
from calguard_sandbox.faults.delivery import break_connection, faulty
from calguard_sandbox.faults.rules import Call, FaultBook
from calguard_sandbox.journal import Journal
from calguard_sandbox.sources import Now

Identify = Callable[[web.Request], Awaitable[Call]]


@dataclass(slots=True)
class ReceivedRequest:
    """A note of one request: no query, no body, no header. `status` None means that no answer was sent."""

    time: datetime
    surface: str
    endpoint: str
    method: str
    path: str
    users: tuple[str, ...]
    fault: str | None = None
    status: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "time": self.time.isoformat(),
            "surface": self.surface,
            "endpoint": self.endpoint,
            "method": self.method,
            "path": self.path,
            "users": list(self.users),
            "fault": self.fault,
            "status": self.status,
        }


def traffic(identify: Identify, faults: FaultBook, requests: Journal[ReceivedRequest], now: Now) -> Middleware:
    """The outermost middleware of a surface."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        call = await identify(request)
        rule = faults.take(call)
        note = ReceivedRequest(
            now(), call.surface, call.endpoint, request.method, request.path, tuple(sorted(call.users))
        )
        if rule is None:
            return await _answer(request, handler, note, requests)
        note.fault = rule.name
        if isinstance(rule.answer, NetworkFault):
            requests.append(note)
            await break_connection(rule.answer, request, handler, faults)
            return web.Response()
        return await _answer(request, faulty(rule, handler), note, requests)

    return middleware


async def _answer(
    request: web.Request, handler: Handler, note: ReceivedRequest, requests: Journal[ReceivedRequest]
) -> web.StreamResponse:
    """What the handler answers, an unknown path's 404 included, noted before it is sent."""
    response: web.StreamResponse
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        response = web.Response(status=answer.status, text=answer.text, headers=answer.headers)
    note.status = response.status
    requests.append(note)
    return response
