"""Google's acts over HTTP."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from calguard_sandbox.control.bodies import done, fields_of
from calguard_sandbox.errors import BadFieldError
from calguard_sandbox.fields import Fields
from calguard_sandbox.google.events import event_json
from calguard_sandbox.google.state import Busy, GoogleState

_USER = "/google/users/{email}"
_CALENDAR = f"{_USER}/calendars/{{id}}"
_BUSY = frozenset({"start", "end", "transparent", "recurrence", "declined"})


class GoogleRoutes:
    """/google, but for what was received."""

    def __init__(self, state: GoogleState, consent: Callable[..., Awaitable[str]]) -> None:
        self._state = state
        self._consent = consent

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.post("/google/consent", self._answer_consent),
            web.post("/google/users", self._add_user),
            web.delete(_USER, self._delete_account),
            web.post(f"{_USER}/restore", self._restore),
            web.post(f"{_USER}/revoke", self._revoke),
            web.post(f"{_USER}/drop-scopes", self._drop_scopes),
            web.post(f"{_USER}/expire-access-tokens", self._expire),
            web.put(f"{_USER}/calendar-service", self._calendar_service),
            web.post(f"{_USER}/calendars", self._add_calendar),
            web.put(_CALENDAR, self._share),
            web.delete(_CALENDAR, self._unshare),
            web.delete("/google/calendars/{id}", self._remove_calendar),
            web.put("/google/calendars/{id}/busy", self._set_busy),
            web.get("/google/calendars/{id}/events", self._events),
            web.put("/google/client", self._set_client),
        ]

    async def _answer_consent(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "authorization_url", "email", "scopes", "deny")
        url, email = fields.text("authorization_url"), fields.text("email")
        everything = fields.raw("scopes") is None or fields.raw("scopes") == "all"
        scopes = "all" if everything else fields.texts("scopes")
        deny = fields.optional_flag("deny") or False
        return web.json_response({"redirect_url": await self._consent(url, email, scopes, deny=deny)})

    async def _add_user(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "email", "name")
        self._state.add_user(fields.text("email"), fields.optional_text("name") or "")
        return done()

    async def _delete_account(self, request: web.Request) -> web.Response:
        self._state.delete_account(request.match_info["email"])
        return done()

    async def _restore(self, request: web.Request) -> web.Response:
        self._state.restore_account(request.match_info["email"])
        return done()

    async def _revoke(self, request: web.Request) -> web.Response:
        return done(revoked=self._state.revoke(request.match_info["email"]))

    async def _drop_scopes(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "scopes")
        self._state.drop_scopes(request.match_info["email"], fields.texts("scopes"))
        return done()

    async def _expire(self, request: web.Request) -> web.Response:
        return done(expired=self._state.expire_access_tokens(request.match_info["email"]))

    async def _calendar_service(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "enabled")
        self._state.set_calendar_service(request.match_info["email"], enabled=fields.flag("enabled"))
        return done()

    async def _add_calendar(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "id", "summary", "role", "time_zone")
        self._state.add_calendar(
            request.match_info["email"],
            fields.text("id"),
            summary=fields.text("summary"),
            role=fields.optional_text("role") or "owner",
            time_zone=fields.optional_text("time_zone") or "UTC",
        )
        return done()

    async def _share(self, request: web.Request) -> web.Response:
        role = (await fields_of(request, "role")).text("role")
        self._state.share(request.match_info["email"], request.match_info["id"], role)
        return done()

    async def _unshare(self, request: web.Request) -> web.Response:
        self._state.unshare(request.match_info["email"], request.match_info["id"])
        return done()

    async def _remove_calendar(self, request: web.Request) -> web.Response:
        self._state.remove_calendar(request.match_info["id"])
        return done()

    async def _set_busy(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "busy")
        spans = [_busy(Fields(item, _BUSY, f"busy[{index}].")) for index, item in enumerate(fields.objects("busy"))]
        self._state.set_busy(request.match_info["id"], spans)
        return done()

    async def _events(self, request: web.Request) -> web.Response:
        events = self._state.calendar(request.match_info["id"]).events.values()
        listed = sorted(events, key=lambda event: (event.start, event.id))
        return web.json_response({"events": [event_json(event, "owner") for event in listed]})

    async def _set_client(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "deleted", "testing")
        deleted, testing = fields.optional_flag("deleted"), fields.optional_flag("testing")
        if deleted is None and testing is None:
            raise BadFieldError("deleted", "give deleted, testing or both")
        self._state.set_client(deleted=deleted, testing=testing)
        return done()


def _busy(fields: Fields) -> Busy:
    start, end = fields.date_or_time("start"), fields.date_or_time("end")
    if type(start) is not type(end):
        raise fields.wrong("end", "must be a date where start is one, and a time where start is one")
    if start >= end:
        raise fields.wrong("end", "must come after start")
    return Busy(
        start,
        end,
        transparent=fields.optional_flag("transparent") or False,
        recurrence=fields.optional_text("recurrence") or "",
        declined=fields.optional_flag("declined") or False,
    )
