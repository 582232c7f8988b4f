"""`/unsubscribe/TOKEN`: where a person, or their mail program, ends messages that were asked for once (RFC 8058).

1. The token is the permission: no login, no cookie, and nothing of the body is read.
2. GET only asks: programs that look through mail open every address. POST ends the messages, however often it comes.
3. A token that is not ours, and one of an account that is gone, are answered alike.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path

import jinja2
import structlog
from aiohttp import web

from calguard_server.auth.unsubscribe_tokens import UnsubscribeTokens
from calguard_server.domain.account import LinkAlerts
from calguard_server.domain.errors import CalguardError, NotFoundError
from calguard_server.engine.accounts import Accounts
from calguard_server.http_api.language import preferred_language
from calguard_server.http_api.unsubscribe_words import UNSUBSCRIBE_WORDS, Step

_log = structlog.get_logger(__name__)

PATH = "/unsubscribe/"

_TEMPLATES = Path(__file__).parent / "templates"
_STATUS = {Step.ASK: 200, Step.DONE: 200, Step.UNKNOWN: 404, Step.UNAVAILABLE: 503, Step.FAILED: 500}


class Unsubscribing:
    """Answers both. `new_error_id` makes ids for the log."""

    def __init__(
        self,
        accounts: Accounts,
        tokens: UnsubscribeTokens,
        support_url: str = "",
        new_error_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._template = environment.get_template("unsubscribe.html.j2")
        self._style = (_TEMPLATES / "callback.css").read_text()
        self._accounts = accounts
        self._tokens = tokens
        self._support_url = support_url
        self._new_error_id = new_error_id

    async def ask(self, request: web.Request) -> web.Response:
        """Offer the button."""
        known = self._tokens.read(request.match_info["token"]) is not None
        return self._answer(request, Step.ASK if known else Step.UNKNOWN)

    async def end(self, request: web.Request) -> web.Response:
        """End the messages."""
        account_id = self._tokens.read(request.match_info["token"])
        if account_id is None:
            return self._answer(request, Step.UNKNOWN)
        try:
            await self._accounts.update(account_id, {"link_alerts": LinkAlerts.PAGE_RULES})
        except NotFoundError:
            return self._answer(request, Step.UNKNOWN)
        except CalguardError as refusal:
            _log.warning("unsubscribing refused", account_id=account_id, reason=refusal.reason)
            return self._answer(request, Step.UNAVAILABLE)
        except Exception as unforeseen:  # noqa: BLE001 - the last door: whatever it is, nothing of it may be shown
            error_id = self._new_error_id()
            _log.error("unsubscribing failed", error_id=error_id, exc_info=unforeseen)
            return self._answer(request, Step.FAILED, error_id)
        _log.info("unsubscribed from link alerts", account_id=account_id)
        return self._answer(request, Step.DONE)

    def _answer(self, request: web.Request, step: Step, error_id: str = "") -> web.Response:
        language = preferred_language(request.headers.get("Accept-Language", ""))
        words = UNSUBSCRIBE_WORDS[language]
        page = self._template.render(
            language=language.value,
            style=self._style,
            well=step in (Step.ASK, Step.DONE),
            asks=step is Step.ASK,
            text=words.texts[step],
            words=words,
            support_url=self._support_url,
            error_id=error_id,
        )
        headers = {
            "Content-Security-Policy": self._policy,
            "Content-Language": language.value,
            "Vary": "Accept-Language",
        }
        return web.Response(status=_STATUS[step], text=page, content_type="text/html", headers=headers)

    @property
    def _policy(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'self'; "
            "frame-ancestors 'none'"
        )
