"""Between rows and Slack workspaces."""

from calguard_server.domain.slack_workspace import Breakage, SlackWorkspace
from calguard_server.store.rows.values import Row, from_micros, to_micros


def slack_workspace_row(workspace: SlackWorkspace) -> Row:
    """Write a Slack workspace."""
    breakage = workspace.breakage
    return (
        workspace.id,
        workspace.name,
        workspace.team_id,
        workspace.team_name,
        breakage.code if breakage else "",
        to_micros(breakage.since) if breakage else None,
        workspace.token_version,
        workspace.revision,
        to_micros(workspace.create_time),
        to_micros(workspace.update_time),
    )


def slack_workspace_of(row: Row) -> SlackWorkspace:
    """Read a Slack workspace."""
    return SlackWorkspace(
        id=row[0],
        name=row[1],
        team_id=row[2],
        team_name=row[3],
        breakage=Breakage(row[4], from_micros(row[5])) if row[4] else None,
        token_version=row[6],
        revision=row[7],
        create_time=from_micros(row[8]),
        update_time=from_micros(row[9]),
    )
