"""How a request is answered that cannot be read as HTTP, or whose handler failed; and how long one may take to come.

Whoever sends nothing, or a request byte by byte, is hung up on before long: for a connection's first request that is
done here, aiohttp does it for those that follow.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web

Answer = Callable[[int, BaseException | None], web.Response]
"""Makes the answer, given the status and what went wrong; nothing is known of whoever sent the request."""


class ReticentProtocol(web.RequestHandler):
    """Answers by `answer`. aiohttp itself would quote the request, and addresses of the callback hold secrets."""

    __slots__ = ("_answer", "_hanging_up", "_head_seconds")

    def __init__(
        self,
        manager: web.Server,
        answer: Answer,
        head_seconds: float,
        **options: Any,  # noqa: ANN401 - aiohttp's own
    ) -> None:
        super().__init__(manager, **options)
        self._answer = answer
        self._head_seconds = head_seconds
        self._hanging_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, and not for long."""
        super().connection_made(transport)
        self._hanging_up = asyncio.get_running_loop().call_later(self._head_seconds, self.force_close)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait no longer."""
        self.came()
        super().connection_lost(exc)

    def came(self) -> None:
        """Note that the request is there: it may take as long as it takes."""
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            self._hanging_up = None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer in place of what failed; raises ConnectionError where an answer has begun already."""
        super().handle_error(request, status, exc, message)
        response = self._answer(status, exc)
        response.force_close()
        return response
