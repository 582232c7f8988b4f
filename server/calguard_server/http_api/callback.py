"""`GET /oauth/callback`: what Google's consent page sends people back to, with a code or an error.

It does what CompleteCalendarLink does, and tells the person how it went. The code and the state are secrets of the
attempt: they are neither logged nor shown, and the answer is neither kept nor passed on as a referrer.
"""

import re

import structlog
from aiohttp import web

from calguard_server.domain import errors
from calguard_server.domain.causes import CauseReason, NextAction
from calguard_server.domain.link_state import CalendarLink
from calguard_server.engine.linking import Linking
from calguard_server.http_api.language import preferred_language
from calguard_server.http_api.outcome import Outcome
from calguard_server.http_api.page import CallbackPage

_log = structlog.get_logger(__name__)

_STATE = re.compile(r"[A-Za-z0-9_-]{1,200}")
_CODE = re.compile(r"[!-~]{1,2000}")
_ERROR = re.compile(r"[!-~]{1,200}")

_OUTCOME_OF_ACTION = {
    NextAction.NONE: Outcome.CONNECTED,
    NextAction.CONNECT: Outcome.RECONNECT,
    NextAction.RECONNECT: Outcome.RECONNECT,
    NextAction.SELECT_CALENDARS: Outcome.CHOOSE_CALENDARS,
    NextAction.WAIT: Outcome.WAIT,
    NextAction.CONTACT_SUPPORT: Outcome.CONTACT_SUPPORT,
}

_OF_REASON = {
    "STATE_UNKNOWN": (404, Outcome.UNKNOWN),
    "STATE_USED": (409, Outcome.USED),
    "STATE_EXPIRED": (410, Outcome.EXPIRED),
    "ACCESS_DENIED": (403, Outcome.DECLINED),
    "CODE_REFUSED": (400, Outcome.NOT_ACCEPTED),
    "IDENTITY_UNVERIFIED": (400, Outcome.NOT_ACCEPTED),
    "OFFLINE_ACCESS_MISSING": (400, Outcome.NOT_ACCEPTED),
    "PROVIDER_ACCOUNT_MISMATCH": (409, Outcome.OTHER_ACCOUNT),
    "PROVIDER_ACCOUNT_LINKED": (409, Outcome.LINKED_ALREADY),
    "ACCOUNT_NOT_FOUND": (410, Outcome.GONE),
    "CALENDAR_LINK_NOT_FOUND": (410, Outcome.GONE),
    "APP_MISCONFIGURED": (503, Outcome.OPERATOR_SIDE),
    "PROVIDER_UNREACHABLE": (503, Outcome.UNREACHABLE),
}

_STATUS_OF: dict[type, int] = {
    errors.InvalidArgumentError: 400,
    errors.NotFoundError: 404,
    errors.AlreadyExistsError: 409,
    errors.FailedPreconditionError: 409,
    errors.AbortedError: 409,
    errors.ResourceExhaustedError: 429,
    errors.UnavailableError: 503,
}

_ADMIN_ERRORS = frozenset({"admin_policy_enforced", "org_internal"})


class Callback:
    """Completes attempts at linking."""

    def __init__(self, linking: Linking, page: CallbackPage) -> None:
        self._linking = linking
        self._page = page

    async def handle(self, request: web.Request) -> web.Response:
        """Complete the attempt that the query names, once, and tell how it went."""
        sent = _read(request)
        if sent is None:
            return self._answer(request, 400, Outcome.INCOMPLETE)
        state, code, error = sent
        try:
            link = await self._linking.complete(state, code, error)
        except errors.CalguardError as refusal:
            _log.info("callback refused", reason=refusal.reason)
            return self._answer(request, *_refused(refusal))
        _log.info("callback completed", calendar_link_id=link.id, state=link.state.value)
        return self._answer(request, 200, _completed(link), link.provider_email)

    def _answer(self, request: web.Request, status: int, outcome: Outcome, account: str = "") -> web.Response:
        language = preferred_language(request.headers.get("Accept-Language", ""))
        headers = {
            "Content-Security-Policy": self._page.policy,
            "Content-Language": language.value,
            "Vary": "Accept-Language",
        }
        text = self._page.render(outcome, language, account)
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


def _completed(link: CalendarLink) -> Outcome:
    if link.cause is not None and link.cause.reason is CauseReason.SCOPE_MISSING:
        return Outcome.BOX_NOT_TICKED
    return _OUTCOME_OF_ACTION[link.next_action]


def _refused(refusal: errors.CalguardError) -> tuple[int, Outcome]:
    if refusal.reason == "ACCESS_DENIED" and refusal.metadata.get("error") in _ADMIN_ERRORS:
        return 403, Outcome.ADMIN_BLOCKED
    if refusal.reason in _OF_REASON:
        return _OF_REASON[refusal.reason]
    statuses = (_STATUS_OF.get(kind) for kind in type(refusal).__mro__)
    return next(filter(None, statuses), 400), Outcome.FAILED
