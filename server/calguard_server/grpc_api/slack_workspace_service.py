"""SlackWorkspaceService."""
# ruff: noqa: N802 - the methods are named by the contract

import re

from calguard.v1 import slack_workspace_pb2 as pb
from calguard.v1 import slack_workspace_pb2_grpc
from calguard_server.domain.etags import etag_of
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import Breakage, SlackWorkspace
from calguard_server.engine.slack_workspaces import SlackWorkspaces, WorkspaceWish
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.convert import to_timestamp
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import ID, NAME_MAX, Checker

_PAGING = Paging("ListSlackWorkspaces", position=ID)
_TOKEN = re.compile(r"(?:xoxe\.)?xoxb-[A-Za-z0-9-]{1,250}")
_TOKEN_EXPECTED = "expected a bot token of Slack: xoxb-, then letters, digits and dashes"  # noqa: S105 - says the form


class SlackWorkspaceService(slack_workspace_pb2_grpc.SlackWorkspaceServiceServicer):
    """The Slack workspaces."""

    def __init__(self, workspaces: SlackWorkspaces) -> None:
        self._workspaces = workspaces

    async def PutSlackWorkspace(
        self, request: pb.PutSlackWorkspaceRequest, _context: object
    ) -> pb.PutSlackWorkspaceResponse:
        """Add a workspace, or replace its token."""
        wish = _read_wish(request)
        call = request_of("PutSlackWorkspace", request, _put)
        return _put(await self._workspaces.put(wish, call))

    async def GetSlackWorkspace(
        self, request: pb.GetSlackWorkspaceRequest, _context: object
    ) -> pb.GetSlackWorkspaceResponse:
        """Read one workspace."""
        check = Checker()
        workspace_id = check.id("id", request.id)
        check.refuse()
        return pb.GetSlackWorkspaceResponse(slack_workspace=_to_wire(self._workspaces.get(workspace_id)))

    async def ListSlackWorkspaces(
        self, request: pb.ListSlackWorkspacesRequest, _context: object
    ) -> pb.ListSlackWorkspacesResponse:
        """List workspaces in the order of their ids."""
        check = Checker()
        check.page_size(request.page_size)
        check.refuse()
        size = page_size(request.page_size)
        rows, more = split(self._workspaces.list(_PAGING.after(request.page_token), size + 1), size)
        return pb.ListSlackWorkspacesResponse(
            slack_workspaces=[_to_wire(row) for row in rows],
            next_page_token=_PAGING.token(rows[-1].id) if more else "",
        )

    async def DeleteSlackWorkspace(
        self, request: pb.DeleteSlackWorkspaceRequest, _context: object
    ) -> pb.DeleteSlackWorkspaceResponse:
        """Delete a workspace with its token."""
        check = Checker()
        workspace_id = check.id("id", request.id)
        etag = check.etag("etag", request.etag)
        check.request_id(request.request_id)
        check.refuse()
        call = request_of("DeleteSlackWorkspace", request, _deleted)
        await self._workspaces.delete(workspace_id, etag, call, force=request.force)
        return _deleted(None)


def _read_wish(request: pb.PutSlackWorkspaceRequest) -> WorkspaceWish:
    check = Checker()
    workspace_id = check.id("id", request.id)
    name = check.text("name", request.name, NAME_MAX)
    check.expect(_TOKEN.fullmatch(request.bot_token) is not None, "bot_token", _TOKEN_EXPECTED)
    etag = check.etag("etag", request.etag)
    check.request_id(request.request_id)
    check.refuse()
    return WorkspaceWish(workspace_id, name, Secret(request.bot_token), etag)


def _put(workspace: SlackWorkspace) -> pb.PutSlackWorkspaceResponse:
    return pb.PutSlackWorkspaceResponse(slack_workspace=_to_wire(workspace))


def _deleted(_nothing: None) -> pb.DeleteSlackWorkspaceResponse:
    return pb.DeleteSlackWorkspaceResponse()


def _to_wire(workspace: SlackWorkspace) -> pb.SlackWorkspace:
    return pb.SlackWorkspace(
        id=workspace.id,
        name=workspace.name,
        team_id=workspace.team_id,
        team_name=workspace.team_name,
        state=enums.SLACK_WORKSPACE_STATE.to_wire[workspace.state],
        cause=None if workspace.breakage is None else _cause_to_wire(workspace.id, workspace.breakage),
        etag=etag_of(workspace),
        revision=workspace.revision,
        create_time=to_timestamp(workspace.create_time),
        update_time=to_timestamp(workspace.update_time),
    )


def _cause_to_wire(workspace_id: str, breakage: Breakage) -> pb.SlackWorkspaceCause:
    remedy = breakage.remedy(workspace_id)
    return pb.SlackWorkspaceCause(code=breakage.code, since=to_timestamp(breakage.since), remedy=remedy)
