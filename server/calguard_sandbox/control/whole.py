"""The sandbox as a whole: its state, its reset, its listeners."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from calguard_sandbox.control.bodies import done, fields_of
from calguard_sandbox.control.faults import rule_json
from calguard_sandbox.google.state import GoogleState
from calguard_sandbox.slack.state import SlackState

if TYPE_CHECKING:
    from calguard_sandbox.sandbox import Sandbox


class WholeRoutes:
    """/state, /reset and /listeners."""

    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        """The routes."""
        return [
            web.get("/state", self._state),
            web.post("/reset", self._reset),
            web.put("/listeners/{surface}", self._set_listening),
        ]

    async def _state(self, _request: web.Request) -> web.Response:
        sandbox = self._sandbox
        return web.json_response(
            {
                "google": google_json(sandbox.google),
                "slack": slack_json(sandbox.slack),
                "slack_workspaces": [slack_json(each) for each in sandbox.slack_workspaces],
                "faults": [rule_json(rule) for rule in sandbox.faults.rules],
                "mail": {"last": sandbox.mail.received.last},
            }
        )

    async def _reset(self, _request: web.Request) -> web.Response:
        self._sandbox.reset()
        return done()

    async def _set_listening(self, request: web.Request) -> web.Response:
        up = (await fields_of(request, "up")).flag("up")
        await self._sandbox.set_listening(request.match_info["surface"], up=up)
        return done()


def google_json(state: GoogleState) -> dict[str, Any]:
    """Users, calendars and grants, without a token."""
    return {
        "users": [
            {
                "email": user.email,
                "sub": user.sub,
                "name": user.name,
                "deleted": user.deleted,
                "calendar_enabled": user.calendar_enabled,
                "access": user.access,
            }
            for user in state.users.values()
        ],
        "calendars": [
            {
                "id": calendar.id,
                "summary": calendar.summary,
                "time_zone": calendar.time_zone,
                "events": len(calendar.events),
            }
            for calendar in state.calendars.values()
        ],
        "grants": [
            {
                "email": grant.email,
                "client_id": grant.client_id,
                "scopes": sorted(grant.scopes),
                "live": grant.live,
            }
            for grant in state.grants.grants.values()
        ],
    }


def slack_json(state: SlackState) -> dict[str, Any]:
    """Channels and people."""
    return {
        "team": state.team,
        "name": state.name,
        "channels": [
            {
                "id": channel.id,
                "name": channel.name,
                "archived": channel.archived,
                "member": channel.member,
                "restricted": channel.restricted,
                "user_id": channel.user_id,
            }
            for channel in state.channels.values()
        ],
        "users": [
            {
                "id": user.id,
                "email": user.email,
                "deactivated": user.deactivated,
                "messages_tab": user.messages_tab,
            }
            for user in state.users.values()
        ],
        "messages": {"last": state.messages.last},
    }
