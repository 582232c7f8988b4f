"""Use cases of Slack workspaces, and the one place that knows which there are and whether each works.

Everything is kept in memory besides: a sender asks for each message. There is one process, and whatever changes a
workspace takes its turn here, so memory shows what was committed.
"""

import asyncio
from collections.abc import Callable

import structlog
from msgspec import Struct

from calguard_server.domain.etags import require_etag
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import (
    DEFAULT_WORKSPACE,
    TOKEN_UNREADABLE,
    SlackTeam,
    SlackWorkspace,
    SlackWorkspaceState,
    broken,
    mended,
    with_new_token,
)
from calguard_server.engine.context import Context
from calguard_server.engine.operator_alerts import OperatorAlerts
from calguard_server.engine.ports.slack import SlackTokenRefusedError, SlackUnreachableError, SlackVerifier
from calguard_server.engine.requests import Request, refuse_replay_of
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.slack_addresses import refuse_in_use
from calguard_server.engine.slack_refusals import not_found, refuse_default, require_replaceable, team_taken, verified
from calguard_server.engine.waiting import to_the_end
from calguard_server.engine.working_set import Unit, WorkingSet

_log = structlog.get_logger()


class SlackConnection(Struct, frozen=True):
    """A workspace as it stands, and its token; None where no key opens it."""

    workspace: SlackWorkspace
    token: Secret | None


class WorkspaceWish(Struct, frozen=True):
    """What a caller wants of a workspace. `name` and `etag` may be empty."""

    id: str
    name: str
    token: Secret
    etag: str = ""


class SlackWorkspaces:
    """The workspaces. `default_token` is that of the settings, None where it is not set."""

    def __init__(
        self, context: Context, alerts: OperatorAlerts, verifier: SlackVerifier, default_token: Secret | None
    ) -> None:
        self._context = context
        self._alerts = alerts
        self._verifier = verifier
        self._default_token = default_token
        self._known: dict[str, SlackConnection] = {}
        self._unasked: set[str] = set()
        self._turn = asyncio.Lock()

    async def load(self) -> None:
        """Take up what was saved; the workspace of the settings is there as long as its setting is."""
        stored = await self._context.store.slack_workspaces()
        self._known = {workspace.id: SlackConnection(workspace, token) for workspace, token in stored}
        await self._load_default()
        for connection in list(self._known.values()):
            if connection.token is None:
                await self.broke(connection, TOKEN_UNREADABLE)

    async def _load_default(self) -> None:
        known = self._known.pop(DEFAULT_WORKSPACE, None)
        now, token = self._context.clock.now(), self._default_token
        if token is None:
            if known is not None:
                await self._commit(DEFAULT_WORKSPACE, lambda rows: rows.delete_slack_workspace(DEFAULT_WORKSPACE))
            return
        if known is None:
            fresh = SlackWorkspace(id=DEFAULT_WORKSPACE, name=DEFAULT_WORKSPACE, create_time=now, update_time=now)
            await self._commit(DEFAULT_WORKSPACE, lambda rows: rows.put_slack_workspace(fresh))
            known = SlackConnection(fresh, token)
        self._known[DEFAULT_WORKSPACE] = SlackConnection(known.workspace, token)
        self._unasked.add(DEFAULT_WORKSPACE)

    def connection(self, workspace_id: str) -> SlackConnection | None:
        """Answer a workspace and its token; empty means that of the settings. None where there is no such workspace."""
        return self._known.get(workspace_id or DEFAULT_WORKSPACE)

    def get(self, workspace_id: str) -> SlackWorkspace:
        """Answer a workspace. Raises NotFoundError."""
        return self._found(workspace_id).workspace

    def list(self, after: str, limit: int) -> list[SlackWorkspace]:
        """List workspaces with ids after the one given."""
        ids = sorted(each for each in self._known if each > after)
        return [self._known[each].workspace for each in ids[:limit]]

    async def put(self, wish: WorkspaceWish, request: Request | None = None) -> SlackWorkspace:
        """Add a workspace, or replace its token, once Slack has accepted that.

        Raises FailedPreconditionError, AbortedError `ETAG_MISMATCH`, UnavailableError `SLACK_UNREACHABLE`. What is
        begun goes on to its end: what is stored and what is known here must not part.
        """
        refuse_default(wish.id)
        return await to_the_end(self._put(wish, request))

    async def _put(self, wish: WorkspaceWish, request: Request | None) -> SlackWorkspace:
        await refuse_replay_of(self._context.store, request)
        team = await verified(self._verifier, wish.token)
        now = self._context.clock.now()

        def decide(rows: WorkingSet) -> SlackWorkspace:
            before = rows.slack_workspaces.get(wish.id)
            require_replaceable(before, wish.id, wish.etag, team)
            self._refuse_taken(wish.id, team)
            workspace = with_new_token(before, wish.id, wish.name, team, now)
            rows.put_slack_workspace(workspace)
            rows.put_slack_token(wish.id, wish.token)
            return workspace

        async with self._turn:
            workspace = await self._context.store.transact(Unit(_seeds(wish.id), decide, request))
            self._known[wish.id] = SlackConnection(workspace, wish.token)
        await self._context.store.wake_held(wish.id, now)
        return workspace

    def _refuse_taken(self, workspace_id: str, team: SlackTeam) -> None:
        """Refuse a team that is there under another id: the pace of its channels is kept by workspace."""
        for known in self._known.values():
            if known.workspace.team_id == team.id and known.workspace.id != workspace_id:
                raise team_taken(known.workspace)

    async def delete(
        self, workspace_id: str, etag: str = "", request: Request | None = None, *, force: bool = False
    ) -> None:
        """Delete a workspace and its token.

        Raises NotFoundError, AbortedError `ETAG_MISMATCH`, FailedPreconditionError `SLACK_WORKSPACE_IN_USE`.
        """
        refuse_default(workspace_id)
        await to_the_end(self._delete(workspace_id, etag, request, force=force))

    async def _delete(self, workspace_id: str, etag: str, request: Request | None, *, force: bool) -> None:
        def decide(rows: WorkingSet) -> None:
            workspace = rows.slack_workspaces.get(workspace_id)
            if workspace is None:
                raise not_found(workspace_id)
            require_etag(workspace, etag)
            if not force:
                refuse_in_use(rows, workspace_id)
            rows.delete_slack_workspace(workspace_id)

        seeds = Seeds(slack_uses=(workspace_id,))
        async with self._turn:
            await self._context.store.transact(Unit(seeds, decide, request))
            self._known.pop(workspace_id, None)

    async def broke(self, connection: SlackConnection, code: str) -> None:
        """Take note that Slack refuses a token, and alert the operator; one that was replaced meanwhile is nobody's."""
        await to_the_end(self._broke(connection, code))

    async def _broke(self, met: SlackConnection, code: str) -> None:
        now = self._context.clock.now()
        async with self._turn:
            known = self.connection(met.workspace.id)
            if known is None or known.token != met.token:
                return
            workspace = broken(known.workspace, code, now)
            if workspace is known.workspace:
                return
            alerts = self._alerts.of_slack_workspace(workspace, now)

            def decide(rows: WorkingSet) -> None:
                rows.put_slack_workspace(workspace)
                for alert in alerts:
                    rows.append_delivery(alert)

            await self._commit(workspace.id, decide)
            self._known[workspace.id] = SlackConnection(workspace, known.token)
        _log.error("a Slack workspace is broken", slack_workspace_id=workspace.id, code=code)

    async def review(self) -> None:
        """Ask Slack again of each workspace that is broken, and once of that of the settings, whose token may be new.

        Those whose token it accepts are connected; those whose token it refuses are broken.
        """
        for connection in list(self._known.values()):
            workspace, token = connection.workspace, connection.token
            in_question = workspace.state is SlackWorkspaceState.BROKEN or workspace.id in self._unasked
            if in_question and token is not None:
                await self._review(connection, token)

    async def _review(self, connection: SlackConnection, token: Secret) -> None:
        try:
            team = await self._verifier.verify(token)
        except SlackTokenRefusedError as error:
            await self.broke(connection, error.code)
        except SlackUnreachableError:
            return
        else:
            if team.missing_scopes:
                await self.broke(connection, "missing_scope")
            else:
                await to_the_end(self._mend(connection, team))
        self._unasked.discard(connection.workspace.id)

    async def _mend(self, connection: SlackConnection, team: SlackTeam) -> None:
        now, workspace_id = self._context.clock.now(), connection.workspace.id
        if connection.workspace.breakage is None and connection.workspace.team_id == team.id:
            return
        async with self._turn:
            if self._known.get(workspace_id) is not connection:
                return
            workspace = mended(connection.workspace, team, now)
            await self._commit(workspace_id, lambda rows: rows.put_slack_workspace(workspace))
            self._known[workspace_id] = SlackConnection(workspace, connection.token)
        await self._context.store.wake_held(workspace_id, now)
        if connection.workspace.breakage is not None:
            _log.warning("a Slack workspace works again", slack_workspace_id=workspace_id)

    async def _commit(self, workspace_id: str, change: Callable[[WorkingSet], None]) -> None:
        await self._context.store.transact(Unit(_seeds(workspace_id), change))

    def _found(self, workspace_id: str) -> SlackConnection:
        found = self._known.get(workspace_id)
        if found is None:
            raise not_found(workspace_id)
        return found


def _seeds(workspace_id: str) -> Seeds:
    return Seeds(slack_workspaces=(workspace_id,))
