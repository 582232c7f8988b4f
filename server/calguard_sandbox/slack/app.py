"""The Slack surface: arguments by query, form or JSON, the token by header or form, answers of 200."""

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from calguard_sandbox.faults.rules import Call, FaultBook
from calguard_sandbox.journal import Journal
from calguard_sandbox.slack.errors import RateLimitedError, SlackError
from calguard_sandbox.slack.methods import Methods
from calguard_sandbox.slack.workspaces import SlackWorkspaces
from calguard_sandbox.traffic import ReceivedRequest, traffic


def slack_app(workspaces: SlackWorkspaces, faults: FaultBook, requests: Journal[ReceivedRequest]) -> web.Application:
    """The application; a method's name is the endpoint that faults and the request log know it by."""
    surface = SlackSurface(workspaces)
    noting = traffic(surface.recognise, faults, requests, workspaces.first.now)
    app = web.Application(middlewares=[noting, answer_errors])
    app.router.add_route("*", "/api/{method}", surface.answer)
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Slack's errors, which are answers of 200."""
    try:
        return await handler(request)
    except RateLimitedError as error:
        headers = {"Retry-After": str(error.seconds)}
        return web.json_response({"ok": False, "error": error.error}, status=429, headers=headers)
    except SlackError as error:
        return web.json_response({"ok": False, "error": error.error, **error.more})


class SlackSurface:
    """Reads a call, and has it answered."""

    def __init__(self, workspaces: SlackWorkspaces) -> None:
        self._workspaces = workspaces

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Any method, in the workspace of the token; the answer's headers tell what the token permits."""
        given = await arguments(request)
        token = _token(request, given)
        state = self._workspaces.of_token(token)
        answered = Methods(state).call(_method(request), token, given)
        scopes = ",".join(state.tokens[token].scopes) if token in state.tokens else ""
        return web.json_response({"ok": True, **answered}, headers={"x-oauth-scopes": scopes})

    async def recognise(self, request: web.Request) -> Call:
        """The call: whom it is for by e-mail, and its channel by id and name, where the request shows them."""
        try:
            given = await arguments(request)
        except SlackError:
            given = {}
        state = self._workspaces.of_token(_token(request, given))
        channel = state.find_channel(str(given.get("channel") or ""))
        user_id = given.get("users") or given.get("channel") or ""
        user = state.users.get((channel.user_id if channel else None) or str(user_id))
        emails = {str(given.get("email") or "").lower(), user.email if user else ""} - {""}
        targets = {channel.id, channel.name, f"#{channel.name}"} if channel else set()
        return Call("slack", _method(request), frozenset(emails), frozenset(targets))


async def arguments(request: web.Request) -> dict[str, Any]:
    """The arguments, whichever way they were sent. Raises SlackError for JSON that is none, or no object."""
    if request.content_type != "application/json":
        return {**request.query, **await request.post()}
    try:
        body = await request.json()
    except ValueError as error:
        raise SlackError("invalid_json") from error
    if not isinstance(body, dict):
        raise SlackError("json_not_object")
    return {**request.query, **body}


def _method(request: web.Request) -> str:
    return request.match_info.get("method", "unknown")


def _token(request: web.Request, given: dict[str, Any]) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    sent = given.get("token")
    return sent if isinstance(sent, str) else None
