"""The HTTP server: the OAuth callback, unsubscribing, Slack's clicks, `/healthz` and `/metrics`.

Anything else is 404, another method 405.

There is no access log: addresses of the callback hold secrets. Nor is a request that cannot be read quoted, as aiohttp
does: whoever sent it is answered with the callback's page for an address that is not complete.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from calguard_server.engine.linking import Linking
from calguard_server.http_api.callback import Callback
from calguard_server.http_api.outcome import Outcome, Told
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.protocol import ReticentProtocol
from calguard_server.http_api.unsubscribe import PATH, Unsubscribing

_log = structlog.get_logger(__name__)

_SHUTDOWN_SECONDS = 10.0
_LINE_BYTES = 64 * 1024

_ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


async def _nothing() -> None:
    """Nothing is to be brought up to date."""


class HttpServer:
    """Serves once started. `healthy` tells whether `/healthz` answers 200; `registry` is what `/metrics` shows.

    `look` is awaited before `/metrics` is shown: it brings up to date what is not counted as it happens. A request has
    `head_seconds` to come.
    """

    def __init__(
        self,
        linking: Linking,
        healthy: Callable[[], bool],
        registry: CollectorRegistry,
        page: CallbackPage,
        unsubscribing: Unsubscribing,
        look: Callable[[], Awaitable[None]] = _nothing,
        head_seconds: float = 10.0,
    ) -> None:
        self._head_seconds = head_seconds
        self._healthy = healthy
        self._registry = registry
        self._look = look
        self._callback = Callback(linking, page)
        app = web.Application(middlewares=[_let_it_take_its_time])
        app.router.add_get("/oauth/callback", self._callback.handle, allow_head=False)
        app.router.add_get(f"{PATH}{{token}}", unsubscribing.ask, allow_head=False)
        app.router.add_post(f"{PATH}{{token}}", unsubscribing.end)
        app.router.add_post("/slack/interactions", _acknowledge)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.on_response_prepare.append(_add_headers)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        self._listening: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and answer the port; 0 becomes a free one. Raises OSError where the address cannot be bound."""
        await self._runner.setup()
        self._listening = await asyncio.get_running_loop().create_server(self._protocol, host, port)
        bound: int = self._listening.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Take no new calls; those under way are given some seconds."""
        if self._listening is not None:
            self._listening.close()
        await self._runner.cleanup()

    def _protocol(self) -> ReticentProtocol:
        options: dict[str, Any] = {"access_log": None, "logger": _silent_logger(), "max_line_size": _LINE_BYTES}
        server = self._runner.server
        if server is None:
            raise ConnectionAbortedError("the server has stopped")
        loop = asyncio.get_running_loop()
        return ReticentProtocol(server, self._unanswered, self._head_seconds, loop=loop, **options)

    def _unanswered(self, status: int, error: BaseException | None) -> web.Response:
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            _log.error("an HTTP call failed", exc_info=error)
            response = web.Response(status=status, text=f"{status}: {HTTPStatus(status).phrase}\n")
        else:
            response = self._callback.answer(status, Told(Outcome.INCOMPLETE))
        response.headers.update({name: value for name, value in _ALWAYS.items() if name not in response.headers})
        response.headers["Server"] = "calguard"  # aiohttp would name itself and its version
        return response

    async def _health(self, _request: web.Request) -> web.Response:
        if self._healthy():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="not serving\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        await self._look()
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """Choose how metrics are written; as plain text where the library trips over what is asked for."""
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):  # a version that is none, such as "1.0."
        return choose_encoder("")


@web.middleware
async def _let_it_take_its_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, ReticentProtocol):
        request.protocol.came()
    return await handler(request)


async def _acknowledge(_request: web.Request) -> web.Response:
    """Answer 200 to word of a click: without it Slack warns whoever opened an address by a button. Nothing is read."""
    return web.Response()


def _silent_logger() -> logging.Logger:
    """Answer a logger that logs nothing: aiohttp quotes requests that it cannot read, and theirs hold secrets."""
    logger = logging.getLogger("calguard_server.http_api.requests")
    logger.disabled = True
    return logger


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)
