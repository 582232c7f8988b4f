"""What was received, over HTTP: requests, messages and mail."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from aiohttp import web

from calguard_sandbox.control.bodies import done
from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.journal import Journal

if TYPE_CHECKING:
    from calguard_sandbox.sandbox import Sandbox

LONGEST_WAIT = 120
Endpoint = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]


class Shown(Protocol):
    """A record that the control API can show."""

    def as_json(self) -> dict[str, Any]:
        """The record as JSON."""


class ReceivedRoutes:
    """The lists, each with the same two routes."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            *_list("/google/requests", "requests", self._sandbox.google_requests),
            *_list("/slack/requests", "requests", self._sandbox.slack_requests),
            *_list("/slack/messages", "messages", self._sandbox.slack.messages),
            *_list("/slack/updates", "updates", self._sandbox.slack.updates),
            *_list("/mail", "messages", self._sandbox.mail.received),
            web.get("/mail/certificate", self._certificate),
        ]

    async def _certificate(self, _request: web.Request) -> web.Response:
        return web.Response(text=self._sandbox.smtp_certificate, content_type="application/x-pem-file")


def _list(path: str, name: str, journal: Journal[Any]) -> list[web.RouteDef]:
    async def show(request: web.Request) -> web.Response:
        after, count = _number(request, "after", 0), _number(request, "count", 1)
        seconds = min(_number(request, "wait_seconds", 0), LONGEST_WAIT)
        entries = await journal.wait(after=after, count=count, seconds=seconds)
        items = [{"number": entry.number, **_shown(entry.record)} for entry in entries]
        return web.json_response({name: items, "last": journal.last})

    async def clear(_request: web.Request) -> web.Response:
        journal.clear()
        return done(last=journal.last)

    return [web.get(path, show), web.delete(path, clear)]


def _shown(record: Shown) -> dict[str, Any]:
    return record.as_json()


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise BadFieldError(name, "must be a whole number, 0 or more")
    return int(text)
