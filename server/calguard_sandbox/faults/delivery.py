"""Carrying out, over HTTP, what a rule says."""

import json
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from calguard_sandbox.faults.answers import Breakage, CalendarErrors, HttpReply, NetworkFault, OmitField
from calguard_sandbox.faults.rules import FaultBook, Rule

GARBAGE = b"\x15\x03\x01\x00\x02\x02\x28 this is not HTTP\r\n"

CUT_SHORT = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{"kind": "cal'

_WRITTEN = {Breakage.GARBAGE: GARBAGE, Breakage.CUT_SHORT: CUT_SHORT}
"""What is sent before the connection ends; else nothing is."""


def faulty(rule: Rule, handler: Handler) -> Handler:
    """A handler that answers as the rule says, from the true one's answer where the fault only edits that."""

    async def answer(request: web.Request) -> web.StreamResponse:
        match rule.answer:
            case HttpReply() as reply:
                return reply_of(reply)
            case CalendarErrors(reason):
                return _edited(await handler(request), lambda body: _spoil(body, rule.match.target, reason))
            case OmitField(name):
                return _edited(await handler(request), lambda body: body.pop(name, None))
            case other:
                raise TypeError(f"not an answer to an HTTP request: {other}")

    return answer


def reply_of(reply: HttpReply) -> web.Response:
    """The response. Text is HTML and anything else JSON, unless the headers say otherwise."""
    text = reply.body if isinstance(reply.body, str) else json.dumps(reply.body)
    kind = "text/html" if isinstance(reply.body, str) else "application/json"
    headers = CIMultiDict({"Content-Type": f"{kind}; charset=UTF-8"})
    headers.update(reply.headers)
    return web.Response(status=reply.status, body=text.encode(), headers=headers)


async def break_connection(fault: NetworkFault, request: web.Request, handler: Handler, faults: FaultBook) -> None:
    """Break the connection, after the act where the fault says so; a hang lasts until the faults are cleared."""
    if fault.acted:
        await handler(request)
    if fault.breakage is Breakage.HANG:
        await faults.hang()
    transport = request.transport
    if transport is None:
        return
    if written := _WRITTEN.get(fault.breakage):
        transport.write(written)
        transport.close()
    else:
        transport.abort()


def _edited(response: web.StreamResponse, edit: Callable[[dict[str, Any]], object]) -> web.StreamResponse:
    """The answer, edited when it is a success in JSON."""
    if response.status != web.HTTPOk.status_code or not isinstance(response, web.Response):
        return response
    body = json.loads(response.text or "{}")
    edit(body)
    return web.json_response(body)


def _spoil(body: dict[str, Any], calendar_id: str | None, reason: str) -> None:
    for key, entry in body.get("calendars", {}).items():
        if calendar_id in {None, key}:
            entry.update(errors=[{"domain": "global", "reason": reason}], busy=[])
