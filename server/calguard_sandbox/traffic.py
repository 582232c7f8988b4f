"""What both HTTP surfaces do with every request: look for a fault, answer, and keep a note of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from calguard_sandbox.faults.answers import Hold, NetworkFault
from calguard_sandbox.faults.delivery import break_connection, faulty
from calguard_sandbox.faults.holding import Holder
from calguard_sandbox.faults.rules import Call, FaultBook, Rule
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
    holder = Holder()

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
        if isinstance(rule.answer, Hold):
            await request.read()  # it cannot be read once whoever sent it is gone
            return await holder.see_through(_held(rule, rule.answer, request, handler, note, requests))
        return await _answer(request, faulty(rule, handler), note, requests)

    return middleware


async def _answer(
    request: web.Request, handler: Handler, note: ReceivedRequest, requests: Journal[ReceivedRequest]
) -> web.StreamResponse:
    """What the handler answers, noted before it is sent."""
    response = await _response(request, handler)
    note.status = response.status
    requests.append(note)
    return response


async def _held(
    rule: Rule,
    hold: Hold,
    request: web.Request,
    handler: Handler,
    note: ReceivedRequest,
    requests: Journal[ReceivedRequest],
) -> web.StreamResponse:
    """What the handler answers, once the rule is lifted; it is noted as soon as it is held."""
    response = await _response(request, handler) if hold.acted else None
    requests.append(note)
    await rule.lifted.wait()
    response = response or await _response(request, handler)
    note.status = response.status
    return response


async def _response(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the handler answers, an unknown path's 404 included."""
    try:
        return await handler(request)
    except web.HTTPException as answer:
        return web.Response(status=answer.status, text=answer.text, headers=answer.headers)
