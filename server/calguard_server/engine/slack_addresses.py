"""Slack addresses and the workspaces that they name."""

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.errors import FailedPreconditionError
from calguard_server.engine.tables import SlackUses
from calguard_server.engine.working_set import WorkingSet


def workspaces_of(slack: SlackAddress | None) -> tuple[str, ...]:
    """Name the workspace to load for an address; none where it means that of the settings."""
    return (slack.workspace_id,) if slack is not None and slack.workspace_id else ()


def require_workspace(rows: WorkingSet, slack: SlackAddress | None) -> None:
    """Refuse an address that names a workspace that is not there, `SLACK_WORKSPACE_MISSING`."""
    for workspace_id in workspaces_of(slack):
        if rows.slack_workspaces.get(workspace_id) is None:
            raise FailedPreconditionError(
                "SLACK_WORKSPACE_MISSING",
                f"there is no Slack workspace {workspace_id}: put it first, or leave the workspace out",
                metadata={"slack_workspace_id": workspace_id},
            )


def refuse_in_use(rows: WorkingSet, workspace_id: str) -> None:
    """Refuse to delete a workspace that addresses name, `SLACK_WORKSPACE_IN_USE`."""
    uses = _uses(rows, workspace_id)
    accounts, pages = len(uses.account_ids), len(uses.page_ids)
    if accounts or pages:
        raise FailedPreconditionError(
            "SLACK_WORKSPACE_IN_USE",
            f"Slack workspace {workspace_id} is named by {_count(accounts, 'account')} and "
            f"{_count(pages, 'booking page')}; to delete it all the same, set force",
            metadata={"id": workspace_id, "accounts": str(accounts), "booking_pages": str(pages)},
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _uses(rows: WorkingSet, workspace_id: str) -> SlackUses:
    """Answer who names a workspace: as it was loaded, but for the rows that this group has in hand."""
    loaded = rows.slack_uses.get(workspace_id, SlackUses())
    accounts = (each for each in rows.accounts.values() if each is not None)
    pages = (each for each in rows.pages.values() if each is not None)
    return SlackUses(
        (loaded.account_ids - rows.accounts.keys()) | {a.id for a in accounts if a.slack.workspace_id == workspace_id},
        (loaded.page_ids - rows.pages.keys()) | {p.id for p in pages if p.slack.workspace_id == workspace_id},
    )
