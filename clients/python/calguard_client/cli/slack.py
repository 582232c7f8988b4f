"""`calguard slack`: the Slack workspaces in which people are told."""

import sys
from collections.abc import Sequence

import click

from calguard.v1 import slack_workspace_pb2 as pb
from calguard.v1.slack_workspace_pb2_grpc import SlackWorkspaceServiceStub
from calguard_client.cli.cells import NOTHING, moment, state, text
from calguard_client.cli.choices import etag_option, limit_option
from calguard_client.cli.paging import gather, show_list
from calguard_client.cli.session import Session, pass_session
from calguard_client.cli.table import Cell, Column

COLUMNS: Sequence[Column[pb.SlackWorkspace]] = (
    Column("id", lambda workspace: text(workspace.id)),
    Column("name", lambda workspace: text(workspace.name), folds=True),
    Column("team", lambda workspace: text(workspace.team_id)),
    Column("state", state),
    Column("cause", lambda workspace: text(workspace.cause.code)),
    Column("since", lambda workspace: moment(workspace.cause.since)),
)


@click.group()
def slack() -> None:
    """Slack workspaces: their bot tokens, and whether each works."""


@slack.command("put", context_settings={"allow_extra_args": True})
@click.argument("workspace_id", metavar="ID")
@click.option("--name", metavar="NAME", default="", help="What people call it; else the team's name at Slack.")
@etag_option
@pass_session
def put_workspace(session: Session, workspace_id: str, name: str, etag: str) -> None:
    """Add a workspace, or give it another bot token.

    The token is read from standard input, or asked for: it is never an argument, where others could see it.
    """
    if click.get_current_context().args:  # not as click would say it: it repeats what may be the token
        raise click.UsageError("expected ID alone: the bot token is read from standard input")
    request = pb.PutSlackWorkspaceRequest(
        id=workspace_id, name=name, bot_token=_read_token(), etag=etag, request_id=session.new_request_id()
    )
    answer = session.call(SlackWorkspaceServiceStub(session.channel).PutSlackWorkspace, request)
    session.show(answer.slack_workspace, details)


@slack.command("get")
@click.argument("workspace_id", metavar="ID")
@pass_session
def get_workspace(session: Session, workspace_id: str) -> None:
    """Show a workspace; `default` is that of the server's setting."""
    request = pb.GetSlackWorkspaceRequest(id=workspace_id)
    answer = session.call(SlackWorkspaceServiceStub(session.channel).GetSlackWorkspace, request)
    session.show(answer.slack_workspace, details)


@slack.command("list")
@limit_option
@pass_session
def list_workspaces(session: Session, limit: int) -> None:
    """List workspaces in the order of their ids."""
    method, request = SlackWorkspaceServiceStub(session.channel).ListSlackWorkspaces, pb.ListSlackWorkspacesRequest()
    answer = gather(session, method, request, lambda answer: answer.slack_workspaces, limit)
    show_list(session, answer, answer.slack_workspaces, COLUMNS)


@slack.command("delete")
@click.argument("workspace_id", metavar="ID")
@click.option("--force", is_flag=True, help="Also where addresses of accounts or pages name it.")
@etag_option
@pass_session
def delete_workspace(session: Session, workspace_id: str, force: bool, etag: str) -> None:  # noqa: FBT001 - click passes it
    """Delete a workspace and forget its token, which stays valid at Slack."""
    request = pb.DeleteSlackWorkspaceRequest(
        id=workspace_id, force=force, etag=etag, request_id=session.new_request_id()
    )
    answer = session.call(SlackWorkspaceServiceStub(session.channel).DeleteSlackWorkspace, request)
    session.done(answer, f"deleted Slack workspace {workspace_id}")


def details(workspace: pb.SlackWorkspace) -> list[tuple[str, Cell]]:
    """Tell all of a workspace."""
    told: list[tuple[str, Cell]] = [
        ("workspace", text(workspace.id)),
        ("name", text(workspace.name)),
        ("team", f"{text(workspace.team_name)} ({text(workspace.team_id)})" if workspace.team_id else NOTHING),
        ("state", state(workspace)),
    ]
    if workspace.HasField("cause"):
        told.append(("cause", f"{text(workspace.cause.code)} since {moment(workspace.cause.since)}"))
        told.append(("remedy", text(workspace.cause.remedy)))
    return [
        *told,
        ("created", moment(workspace.create_time)),
        ("updated", moment(workspace.update_time)),
        ("etag", text(workspace.etag)),
    ]


def _read_token() -> str:
    """Read one line without showing it. Raises UsageError where there is none."""
    if sys.stdin.isatty():
        return str(click.prompt("Bot token", hide_input=True, err=True)).strip()
    token = sys.stdin.readline().strip()
    if not token:
        raise click.UsageError("expected the bot token as the first line of standard input")
    return token
