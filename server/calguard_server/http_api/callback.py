"""`GET /oauth/callback`: what Google's consent page sends people back to, with a code or an error.

It does what CompleteCalendarLink does, and tells the person how it went. The code and the state are secrets of the
attempt: they are neither logged nor shown, and the answer is neither kept nor passed on as a referrer.
"""

import re
import secrets
from collections.abc import Callable

import structlog
from aiohttp import web

from calguard_server.domain.errors import CalguardError
from calguard_server.engine.linking import Linking
from calguard_server.http_api.language import preferred_language
from calguard_server.http_api.outcome import Outcome, Told
from calguard_server.http_api.page import CallbackPage
from calguard_server.http_api.telling import completed, refused

_log = structlog.get_logger(__name__)

_STATE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_CODE = re.compile(r"[!-~]{1,2000}")
_ERROR = re.compile(r"[!-~]{1,200}")


class Callback:
    """Completes attempts at linking. `new_error_id` makes ids for the log."""

    def __init__(
        self, linking: Linking, page: CallbackPage, new_error_id: Callable[[], str] = lambda: secrets.token_hex(8)
    ) -> None:
        self._linking = linking
        self._page = page
        self._new_error_id = new_error_id

    async def handle(self, request: web.Request) -> web.Response:
        """Complete the attempt that the query names, once, and tell how it went."""
        sent = _read(request)
        if sent is None:
            status, told = 400, Told(Outcome.INCOMPLETE)
        else:
            status, told = await self._complete(*sent)
        return self.answer(status, told, request.headers.get("Accept-Language", ""))

    async def _complete(self, state: str, code: str, error: str) -> tuple[int, Told]:
        try:
            link = await self._linking.complete(state, code, error)
        except CalguardError as refusal:
            _log.info("callback refused", reason=refusal.reason)
            return refused(refusal)
        except Exception as unforeseen:  # noqa: BLE001 - the last door: whatever it is, nothing of it may be shown
            error_id = self._new_error_id()
            _log.error("callback failed", error_id=error_id, exc_info=unforeseen)
            return 500, Told(Outcome.FAILED, error_id=error_id)
        _log.info("callback completed", calendar_link_id=link.id, state=link.state.value)
        return 200, completed(link)

    def answer(self, status: int, told: Told, accept_language: str = "") -> web.Response:
        """Answer the page in the language that the browser prefers."""
        language = preferred_language(accept_language)
        headers = {
            "Content-Security-Policy": self._page.policy,
            "Content-Language": language.value,
            "Vary": "Accept-Language",
        }
        text = self._page.render(told, language)
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def _read(request: web.Request) -> tuple[str, str, str] | None:
    """Answer state, code and error, of which just one of the last two is set; None for anything else."""
    query = request.query
    names = ("state", "code", "error")
    if any(len(query.getall(name, [])) > 1 for name in names):
        return None
    state, code, error = (query.get(name, "") for name in names)
    right = _STATE.fullmatch(state) and bool(code) != bool(error)
    if not right or not (_CODE.fullmatch(code) or _ERROR.fullmatch(error)):
        return None
    return state, code, error
