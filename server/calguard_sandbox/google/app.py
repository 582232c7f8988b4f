"""The Google surface: its routes, and how a call is recognised before it is answered."""

from aiohttp import web
from aiohttp.typedefs import Handler

from calguard_sandbox.faults.rules import Call, FaultBook
from calguard_sandbox.google.access import bearer, calendar_id_of
from calguard_sandbox.google.calendar_list import CalendarListEndpoints
from calguard_sandbox.google.consent_page import ConsentPage
from calguard_sandbox.google.errors import ApiError, OAuthError
from calguard_sandbox.google.events import EventEndpoints
from calguard_sandbox.google.freebusy import FreeBusyEndpoint, requested_ids
from calguard_sandbox.google.oauth import OAuthEndpoints, text_form
from calguard_sandbox.google.state import GoogleState
from calguard_sandbox.journal import Journal
from calguard_sandbox.traffic import ReceivedRequest, traffic

_CALENDARS = "/calendar/v3/calendars/{calendarId}/events"
_LIST = "/calendar/v3/users/me/calendarList"


def google_app(state: GoogleState, faults: FaultBook, requests: Journal[ReceivedRequest]) -> web.Application:
    """The application. A route's name is the endpoint that faults and the request log know it by."""
    recogniser = Recogniser(state)
    app = web.Application(middlewares=[traffic(recogniser.call, faults, requests, state.now), answer_errors])
    consent, oauth = ConsentPage(state), OAuthEndpoints(state)
    lists, events = CalendarListEndpoints(state), EventEndpoints(state)
    route = app.router.add_route
    route("GET", "/o/oauth2/v2/auth", consent.show, name="auth")
    route("POST", "/o/oauth2/v2/auth", consent.decide, name="consent")
    route("POST", "/token", oauth.token, name="token")
    route("POST", "/revoke", oauth.revoke, name="revoke")
    route("GET", "/oauth2/v1/certs", oauth.certificates, name="certs.pem")
    route("GET", "/oauth2/v3/certs", oauth.jwks, name="certs.jwks")
    route("GET", "/v1/userinfo", oauth.userinfo, name="userinfo")
    route("GET", _LIST, lists.list, name="calendarlist.list")
    route("GET", f"{_LIST}/{{calendarId}}", lists.get, name="calendarlist.get")
    route("POST", "/calendar/v3/freeBusy", FreeBusyEndpoint(state).query, name="freebusy")
    route("GET", _CALENDARS, events.list, name="events.list")
    route("POST", _CALENDARS, events.insert, name="events.insert")
    route("GET", f"{_CALENDARS}/{{eventId}}", events.get, name="events.get")
    route("DELETE", f"{_CALENDARS}/{{eventId}}", events.delete, name="events.delete")
    return app


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Google's errors as the responses that they are."""
    try:
        return await handler(request)
    except OAuthError as error:
        return web.json_response(error.body, status=error.status)
    except ApiError as error:
        return web.json_response(error.body, status=error.status, headers=error.headers)


class Recogniser:
    """Tells which endpoint a request is for, whose it is and which calendars it names."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def call(self, request: web.Request) -> Call:
        """The call, as far as the request shows it; a dead token still tells its user."""
        endpoint = request.match_info.route.name or "unknown"
        form = await text_form(request)
        email = self._user(request, form)
        if endpoint == "token":
            endpoint = f"token.{form.get('grant_type', 'unknown')}"
        users = frozenset({email} if email else ())
        return Call("google", endpoint, users, await self._calendars(request, email))

    def _user(self, request: web.Request, form: dict[str, str]) -> str:
        code = self._state.grants.codes.get(form.get("code", ""))
        token = form.get("refresh_token") or form.get("token") or request.query.get("token") or bearer(request)
        grant = code.grant if code else self._state.grants.grant_of(token)
        return grant.email if grant else form.get("email", request.query.get("login_hint", "")).lower()

    async def _calendars(self, request: web.Request, email: str) -> frozenset[str]:
        named = [request.match_info[key] for key in ("calendarId",) if key in request.match_info]
        if request.match_info.route.name == "freebusy":
            named = await _freebusy_ids(request)
        user = self._state.users.get(email)
        return frozenset(named) | frozenset(calendar_id_of(user, name) for name in named if user)


async def _freebusy_ids(request: web.Request) -> list[str]:
    try:
        body = await request.json()
    except ValueError:
        return []
    return requested_ids(body) if isinstance(body, dict) else []
