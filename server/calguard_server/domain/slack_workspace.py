"""A Slack workspace: whether its token works, as far as what Slack answered shows.

1. It breaks when Slack refuses the token, or the token lacks a permission; `code` is what Slack answered.
2. It is CONNECTED again when another token was put, or when Slack accepts the one there is again.
3. What was met with a token that was replaced since says nothing of the workspace.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

DEFAULT_WORKSPACE = "default"
"""The id of the workspace of the setting SLACK_BOT_TOKEN; an address that names none means it."""

TOKEN_UNREADABLE = "token_unreadable"  # noqa: S105 - a code: no key opens the stored token
SCOPES_NEEDED = ("chat:write", "im:write", "users:read.email")
"""What a token must permit: to post, to write to a person, to find one by e-mail address."""


class SlackWorkspaceState(StrEnum):
    """The names are part of the contract."""

    CONNECTED = "CONNECTED"
    BROKEN = "BROKEN"


class Breakage(Struct, frozen=True):
    """Why a workspace is broken, and since when."""

    code: str
    since: datetime

    def remedy(self, workspace_id: str) -> str:
        """What the operator does about it, where it is that of a workspace."""
        if workspace_id == DEFAULT_WORKSPACE:
            return f"Set SLACK_BOT_TOKEN to a token with the bot scopes {', '.join(SCOPES_NEEDED)}, and start again."
        if self.code == "missing_scope":
            return f"Give the Slack app the bot scopes {', '.join(SCOPES_NEEDED)}, install it again, and put its token."
        if self.code == TOKEN_UNREADABLE:
            return "Bring back the key of TOKEN_KEYS that encrypted the token and start again, or put the token anew."
        return "Install the Slack app in the workspace again, and put its bot token."


class SlackTeam(Struct, frozen=True):
    """Whose a token is, as Slack says, and which of the needed permissions it lacks."""

    id: str
    name: str
    missing_scopes: tuple[str, ...] = ()


class SlackWorkspace(Struct, frozen=True, kw_only=True):
    """A workspace without its token. `token_version` counts the tokens that were put."""

    id: str
    name: str
    team_id: str = ""
    team_name: str = ""
    breakage: Breakage | None = None
    token_version: int = 0
    revision: int = 1
    create_time: datetime
    update_time: datetime

    @property
    def state(self) -> SlackWorkspaceState:
        """Whether it can be used."""
        return SlackWorkspaceState.CONNECTED if self.breakage is None else SlackWorkspaceState.BROKEN


def broken(workspace: SlackWorkspace, code: str, now: datetime) -> SlackWorkspace:
    """Answer the workspace as broken; one that is broken already stays as it is."""
    if workspace.breakage is not None:
        return workspace
    return replace(workspace, breakage=Breakage(code, now), revision=workspace.revision + 1, update_time=now)


def mended(workspace: SlackWorkspace, team: SlackTeam, now: datetime) -> SlackWorkspace:
    """Answer the workspace as Slack knows it, its token accepted again."""
    return replace(
        workspace,
        team_id=team.id,
        team_name=team.name,
        breakage=None,
        revision=workspace.revision + 1,
        update_time=now,
    )


def with_new_token(
    before: SlackWorkspace | None, workspace_id: str, name: str, team: SlackTeam, now: datetime
) -> SlackWorkspace:
    """Answer a workspace with a token that Slack has just accepted; `before` is None for a new one."""
    if before is None:
        before = SlackWorkspace(
            id=workspace_id, name=team.name or workspace_id, revision=0, create_time=now, update_time=now
        )
    return replace(mended(before, team, now), name=name or before.name, token_version=before.token_version + 1)
