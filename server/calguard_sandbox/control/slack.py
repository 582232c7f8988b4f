"""Slack's acts over HTTP."""

from aiohttp import web

from calguard_sandbox.control.bodies import done, fields_of
from calguard_sandbox.options import SLACK_TEAM
from calguard_sandbox.slack.state import ALL_SCOPES, SlackState
from calguard_sandbox.slack.workspaces import SlackWorkspaces


class SlackRoutes:
    """/slack, but for what was received. `?team=` names the workspace; without, it is the seeded one."""

    def __init__(self, workspaces: SlackWorkspaces) -> None:
        self._workspaces = workspaces

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.post("/slack/workspaces", self._add_workspace),
            web.post("/slack/users", self._add_user),
            web.put("/slack/users/{email}", self._set_user),
            web.post("/slack/channels", self._add_channel),
            web.put("/slack/channels/{channel}", self._set_channel),
            web.put("/slack/token", self._set_token),
            web.put("/slack/pace", self._set_pace),
            web.delete("/slack/messages/{channel}/{ts}", self._delete_message),
        ]

    def _state(self, request: web.Request) -> SlackState:
        return self._workspaces.get(request.query.get("team", SLACK_TEAM))

    async def _add_workspace(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "team", "token", "name")
        made = self._workspaces.add(fields.text("team"), fields.text("token"), fields.optional_text("name") or "")
        return done(team=made.team)

    async def _add_user(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "email", "name")
        user = self._state(request).add_user(fields.text("email"), fields.optional_text("name") or "")
        return done(id=user.id)

    async def _set_user(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "deactivated", "messages_tab")
        self._state(request).set_user(
            request.match_info["email"],
            deactivated=fields.optional_flag("deactivated"),
            messages_tab=fields.optional_flag("messages_tab"),
        )
        return done()

    async def _add_channel(self, request: web.Request) -> web.Response:
        name = (await fields_of(request, "name")).text("name")
        return done(id=self._state(request).add_channel(name).id)

    async def _set_channel(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "archived", "member", "restricted")
        archived, member = fields.optional_flag("archived"), fields.optional_flag("member")
        restricted, channel = fields.optional_flag("restricted"), request.match_info["channel"]
        self._state(request).set_channel(channel, archived=archived, member=member, restricted=restricted)
        return done()

    async def _set_token(self, request: web.Request) -> web.Response:
        fields = await fields_of(request, "token", "error", "scopes")
        token, error = fields.optional_text("token") or "", fields.optional_text("error")
        scopes = ALL_SCOPES if fields.raw("scopes") is None else fields.texts("scopes")
        if error is None:
            self._state(request).put_token(token, scopes)
        else:
            self._state(request).kill_token(token, error)
        return done()

    async def _set_pace(self, request: web.Request) -> web.Response:
        self._state(request).paced = (await fields_of(request, "paced")).flag("paced")
        return done()

    async def _delete_message(self, request: web.Request) -> web.Response:
        self._state(request).delete_message(request.match_info["channel"], request.match_info["ts"])
        return done()
