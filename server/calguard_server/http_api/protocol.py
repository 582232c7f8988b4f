"""How a request is answered that cannot be read as HTTP, or whose handler failed."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

Answer = Callable[[int, BaseException | None], web.Response]
"""Makes the answer, given the status and what went wrong; nothing is known of whoever sent the request."""


class ReticentProtocol(web.RequestHandler):
    """Answers by `answer`. aiohttp itself would quote the request, and addresses of the callback hold secrets."""

    __slots__ = ("_answer",)

    def __init__(self, manager: web.Server, answer: Answer, **options: Any) -> None:  # noqa: ANN401 - aiohttp's own
        super().__init__(manager, **options)
        self._answer = answer

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
