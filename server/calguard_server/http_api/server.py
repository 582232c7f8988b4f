"""The HTTP server: the OAuth callback, `/healthz` and `/metrics`; 404 for anything else, 405 for another method.

There is no access log: addresses of the callback hold secrets.
"""

import logging
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from calguard_server.engine.linking import Linking
from calguard_server.http_api.callback import Callback
from calguard_server.http_api.page import CallbackPage

_SHUTDOWN_SECONDS = 10.0
_LINE_BYTES = 64 * 1024

_ALWAYS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class HttpServer:
    """Serves once started. `healthy` tells whether `/healthz` answers 200; `registry` is what `/metrics` shows."""

    def __init__(
        self, linking: Linking, healthy: Callable[[], bool], registry: CollectorRegistry, support_url: str = ""
    ) -> None:
        self._healthy = healthy
        self._registry = registry
        app = web.Application()
        app.router.add_get("/oauth/callback", Callback(linking, CallbackPage(support_url)).handle, allow_head=False)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.on_response_prepare.append(_add_headers)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_silent_logger(),
            max_line_size=_LINE_BYTES,
            shutdown_timeout=_SHUTDOWN_SECONDS,
        )

    async def start(self, host: str, port: int) -> int:
        """Listen, and answer the port; 0 becomes a free one. Raises OSError where the address cannot be bound."""
        await self._runner.setup()
        await web.TCPSite(self._runner, host, port).start()
        bound: int = self._runner.addresses[0][1]
        return bound

    async def stop(self) -> None:
        """Take no new calls; those under way are given some seconds."""
        await self._runner.cleanup()

    async def _health(self, _request: web.Request) -> web.Response:
        if self._healthy():
            return web.Response(text="ok\n")
        return web.Response(status=503, text="not serving\n")

    async def _metrics(self, request: web.Request) -> web.Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(self._registry), headers={"Content-Type": content_type})


def _silent_logger() -> logging.Logger:
    """Answer a logger that logs nothing: aiohttp quotes requests that it cannot read, and theirs hold secrets."""
    logger = logging.getLogger("calguard_server.http_api.requests")
    logger.disabled = True
    return logger


async def _add_headers(_request: web.Request, response: web.StreamResponse) -> None:
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)
