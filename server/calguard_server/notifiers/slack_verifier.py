"""Asks Slack whose a token is and what it permits."""

import asyncio
from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import SCOPES_NEEDED, SlackTeam
from calguard_server.engine.ports.slack import SlackTokenRefusedError, SlackUnreachableError
from calguard_server.notifiers.cleaning import NAME_MAX, one_line
from calguard_server.notifiers.slack_answers import WORKSPACE_BROKEN, UnreadableAnswerError, answer_of, reading

_TEAM_ID_MAX = 63


class SlackTokenVerifier:
    """The engine's port to `auth.test`, over a session that is passed in, and closed by whoever made it."""

    def __init__(
        self, base_url: str, session: aiohttp.ClientSession, timeout: timedelta = timedelta(seconds=15)
    ) -> None:
        self._base_url = base_url
        self._session = session
        self._timeout = timeout

    async def verify(self, token: Secret) -> SlackTeam:
        """Ask whose a token is. Raises SlackTokenRefusedError, SlackUnreachableError."""
        client = AsyncWebClient(token=token.reveal(), base_url=self._base_url, session=self._session, retry_handlers=[])
        client.proxy = None  # it takes one from the environment, which is for the settings alone to read
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                return _team_of(await answer_of(client.auth_test()))
        except SlackApiError as error:
            code = reading(error.response).code
            if code in WORKSPACE_BROKEN:
                raise SlackTokenRefusedError(code) from None
            raise SlackUnreachableError from None
        except (aiohttp.ClientError, OSError, UnreadableAnswerError):
            raise SlackUnreachableError from None


def _team_of(answer: AsyncSlackResponse) -> SlackTeam:
    """Read the answer; where Slack does not say what the token permits, nothing is held against it."""
    team_id, name = answer.get("team_id"), answer.get("team")
    if not isinstance(team_id, str) or not team_id:
        raise UnreadableAnswerError
    told = {name.lower(): value for name, value in answer.headers.items()}.get("x-oauth-scopes")
    granted = None if told is None else {scope.strip() for scope in str(told).split(",")}
    missing = () if granted is None else tuple(scope for scope in SCOPES_NEEDED if scope not in granted)
    shown = one_line(name, NAME_MAX) if isinstance(name, str) else ""
    return SlackTeam(one_line(team_id, _TEAM_ID_MAX), shown, missing)
