"""What is refused of a Slack workspace before anything is stored."""

from calguard_server.domain.errors import AbortedError, FailedPreconditionError, NotFoundError, UnavailableError
from calguard_server.domain.etags import require_etag
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import DEFAULT_WORKSPACE, SlackTeam, SlackWorkspace
from calguard_server.engine.ports.slack import SlackTokenRefusedError, SlackUnreachableError, SlackVerifier


async def verified(verifier: SlackVerifier, token: Secret) -> SlackTeam:
    """Ask Slack whose a token is.

    Raises FailedPreconditionError `SLACK_TOKEN_REFUSED`, `SLACK_SCOPE_MISSING`, UnavailableError `SLACK_UNREACHABLE`.
    """
    try:
        team = await verifier.verify(token)
    except SlackTokenRefusedError as error:
        raise FailedPreconditionError(
            "SLACK_TOKEN_REFUSED",
            f"Slack does not accept the bot token: {error.code}",
            metadata={"slack_error": error.code},
        ) from None
    except SlackUnreachableError:
        raise UnavailableError(
            "SLACK_UNREACHABLE", "Slack gave no usable answer, so nothing was stored: try again later"
        ) from None
    if team.missing_scopes:
        missing = ",".join(team.missing_scopes)
        raise FailedPreconditionError(
            "SLACK_SCOPE_MISSING",
            f"the bot token lacks scopes: {missing}; give them to the Slack app and install it again",
            metadata={"scopes": missing},
        )
    return team


def require_replaceable(before: SlackWorkspace | None, workspace_id: str, etag: str, team: SlackTeam) -> None:
    """Refuse a token of another team than before (`SLACK_TEAM_MISMATCH`), and a stale etag (`ETAG_MISMATCH`)."""
    if before is None:
        if etag:
            raise AbortedError(
                "ETAG_MISMATCH", f"there is no Slack workspace {workspace_id} any more: leave the etag out"
            )
        return
    require_etag(before, etag)
    if before.team_id and before.team_id != team.id:
        raise FailedPreconditionError(
            "SLACK_TEAM_MISMATCH",
            f"the bot token is of Slack team {team.id}, and {before.id} is team {before.team_id}, whose people and "
            "channels addresses name: put the token under another id",
            metadata={"team_id": before.team_id},
        )


def team_taken(workspace: SlackWorkspace) -> FailedPreconditionError:
    """Answer the refusal `SLACK_TEAM_TAKEN`."""
    return FailedPreconditionError(
        "SLACK_TEAM_TAKEN",
        f"the bot token is of Slack team {workspace.team_id}, which is there already as {workspace.id}",
        metadata={"team_id": workspace.team_id, "slack_workspace_id": workspace.id},
    )


def not_found(workspace_id: str) -> NotFoundError:
    """Answer the refusal `SLACK_WORKSPACE_NOT_FOUND`."""
    return NotFoundError(
        "SLACK_WORKSPACE_NOT_FOUND", f"there is no Slack workspace {workspace_id}", metadata={"id": workspace_id}
    )


def refuse_default(workspace_id: str) -> None:
    """Refuse what only the setting changes, `SLACK_WORKSPACE_OF_SETTINGS`."""
    if workspace_id == DEFAULT_WORKSPACE:
        raise FailedPreconditionError(
            "SLACK_WORKSPACE_OF_SETTINGS",
            "the workspace `default` is that of the setting SLACK_BOT_TOKEN: change it there",
            metadata={"id": workspace_id},
        )
