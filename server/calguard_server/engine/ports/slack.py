"""Slack, as far as its workspaces need it."""

from typing import Protocol

from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import SlackTeam


class SlackTokenRefusedError(Exception):
    """Slack does not accept a token; `code` is what it answered."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SlackUnreachableError(Exception):
    """Slack gave no usable answer."""


class SlackVerifier(Protocol):
    """Slack, as far as telling whether a token is good for anything."""

    async def verify(self, token: Secret) -> SlackTeam:
        """Ask whose a token is, and what it permits. Raises SlackTokenRefusedError, SlackUnreachableError."""
        ...
