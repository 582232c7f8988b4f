"""Google's consent page, without JavaScript: who you are, one checkbox for each calendar scope, yes or no."""

from collections.abc import Sequence
from html import escape

from aiohttp import web

from calguard_sandbox.errors import BadFieldError, NotKnownError
from calguard_sandbox.google import consent
from calguard_sandbox.google import scopes as scope_table
from calguard_sandbox.google.authorization import (
    AuthorizationRefusedError,
    AuthorizationRequest,
    parse_authorization,
)
from calguard_sandbox.google.state import GoogleState

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem}}
label{{display:block;margin:.5rem 0}}button{{margin-right:1rem;padding:.5rem 1.5rem}}</style>
</head><body><h1>{title}</h1>{body}</body></html>"""
_FORM = """<p>Sandbox of Google's consent page. {client} wants access to your Google Account.</p>
<form method="post" action="{action}">
<label>Google Account <select name="email">{users}</select></label>
{boxes}
<p><button name="decision" value="approve">Approve</button><button name="decision" value="deny">Deny</button></p>
</form>"""
_BOX = '<label><input type="checkbox" name="scope" value="{scope}"> {title}</label>'


class ConsentPage:
    """The authorization endpoint."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET: the page, or the error page that never redirects."""
        try:
            asked = parse_authorization(request.query, self._state.clients)
        except AuthorizationRefusedError as refusal:
            return error_page(refusal.status, refusal.error, str(refusal))
        return _page("Sign in with Google", self._form(asked, request.raw_path))

    async def decide(self, request: web.Request) -> web.StreamResponse:
        """POST of the form: 302 to the callback with a code or with error=access_denied."""
        form = await request.post()
        try:
            asked = parse_authorization(request.query, self._state.clients)
            if form.get("decision") != "approve":
                return _redirect(consent.deny(asked))
            ticked = [str(scope) for scope in form.getall("scope", [])]
            return _redirect(consent.approve(self._state, asked, str(form.get("email", "")), ticked))
        except AuthorizationRefusedError as refusal:
            return error_page(refusal.status, refusal.error, str(refusal))
        except (BadFieldError, NotKnownError) as problem:
            return error_page(400, "invalid_request", str(problem))

    def _form(self, asked: AuthorizationRequest, action: str) -> str:
        return _FORM.format(
            client=escape(asked.client_id),
            action=escape(action),
            users=self._options(asked.login_hint or ""),
            boxes=_boxes(asked.calendar_scopes),
        )

    def _options(self, hint: str) -> str:
        users = [user for user in self._state.users.values() if not user.deleted]
        return "".join(
            f'<option value="{escape(user.email)}"{" selected" if hint.lower() in {user.email, user.sub} else ""}>'
            f"{escape(user.name)} ({escape(user.email)})</option>"
            for user in users
        )


def error_page(status: int, error: str, message: str) -> web.Response:
    """Google's `Access blocked` page."""
    body = f"<p>{escape(message)}</p><p>Error {status}: {escape(error)}</p>"
    return _page("Access blocked: Authorization Error", body, status)


def _boxes(scopes: Sequence[str]) -> str:
    return "\n".join(_BOX.format(scope=escape(scope), title=escape(scope_table.title(scope))) for scope in scopes)


def _page(title: str, body: str, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store", "X-Frame-Options": "DENY"}
    text = _PAGE.format(title=escape(title), body=body)
    return web.Response(status=status, text=text, content_type="text/html", headers=headers)


def _redirect(location: str) -> web.Response:
    return web.Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})
