"""An HTTP listener that can be taken down and brought back on the same port."""

from aiohttp import web

from calguard_sandbox.errors import ListenerError

SHUTDOWN_SECONDS = 0.5


class HttpListener:
    """One application on one port of the loopback host; port 0 becomes a fixed one at the first start."""

    def __init__(self, name: str, app: web.Application, host: str, port: int) -> None:
        self.name = name
        self._app = app
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None

    @property
    def port(self) -> int:
        """The port, known once it has listened."""
        if self._port == 0:
            raise ListenerError(f"{self.name} has not been started")
        return self._port

    async def start(self) -> None:
        """Listen. A request whose client goes away is cancelled, also one that hangs."""
        if self._runner is None:
            self._runner = web.AppRunner(
                self._app, handler_cancellation=True, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
            )
            await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self._port)
        await self._site.start()
        self._port = self._runner.addresses[0][1]

    async def refuse(self) -> None:
        """Stop listening, and close what is open, until start() is called again."""
        if self._site is not None and self._runner is not None:
            await self._site.stop()
            self._site = None
            if self._runner.server is not None:
                await self._runner.server.shutdown(SHUTDOWN_SECONDS)

    async def stop(self) -> None:
        """Stop for good."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner, self._site = None, None
