"""Hands each Slack message to its workspace.

1. What is to go to a workspace that is broken waits until that works again: it is not tried, and given up after as
   long as any notice. It is looked at now and then meanwhile, so that what is no longer true is dropped. Who is told
   by Slack only, and has an e-mail address, is told there instead.
2. Whoever meets a breakage says so to the one place that knows the workspaces; the operator is alerted there, once.
3. A message never goes to another workspace than the one that its address names.
"""

from collections.abc import Callable
from datetime import timedelta

from msgspec.structs import replace

from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.engine.slack_workspaces import SlackConnection, SlackWorkspaces
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.slack import SlackNotifier, WorkspaceBrokenError

LOOK_AGAIN = timedelta(minutes=15)

MakeNotifier = Callable[[str, Secret], SlackNotifier]
"""Makes the notifier of a workspace, of its id and its token."""


class SlackDispatch:
    """The hook of the channel: a notifier for each workspace. One that gets another token gets another notifier."""

    def __init__(self, workspaces: SlackWorkspaces, make: MakeNotifier, email: NotifierHook | None) -> None:
        self._workspaces = workspaces
        self._make = make
        self._email = email
        self._notifiers: dict[str, tuple[Secret, SlackNotifier]] = {}

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to send a message."""
        connection = self._workspaces.connection(address.slack.workspace_id)
        if connection is None:
            detail = "SLACK_WORKSPACE_UNKNOWN: the Slack workspace of the address does not exist"
            return Outcome(sent=False, permanent=True, detail=detail)
        breakage = connection.workspace.breakage
        if breakage is not None or connection.token is None:
            code = breakage.code if breakage else ""
            return await self._instead(message, address, _waits(connection.workspace, code, tried=False))
        try:
            return await self._notifier(connection.workspace, connection.token).send(message, address)
        except WorkspaceBrokenError as error:
            return await self._instead(message, address, await self._broke(connection, error))

    async def mark_over(self, first: Post) -> bool:
        """Try once to mark a message as over; answer whether nothing is left to be done."""
        connection = self._workspaces.connection(first.workspace_id)
        if connection is None:
            return True  # the workspace was deleted: nobody can change anything there any more
        if connection.workspace.breakage is not None or connection.token is None:
            return False
        try:
            return await self._notifier(connection.workspace, connection.token).mark_over(first)
        except WorkspaceBrokenError as error:
            await self._broke(connection, error)
            return False

    async def _instead(self, message: NoticeMessage, address: Address, waits: Outcome) -> Outcome:
        """Tell by e-mail, where there is no other way; `waits` is what becomes of it else."""
        if self._email is None or not address.email_instead or not waits.held_by:
            return waits
        outcome = await self._email.send(message, Address(email=address.email_instead))
        if outcome.sent:
            return replace(outcome, detail=f"{waits.detail}; by e-mail instead: {outcome.detail}")
        ending = waits if outcome.permanent else outcome
        return replace(ending, detail=f"{waits.detail}; by e-mail: {outcome.detail}", held_by=waits.held_by)

    async def _broke(self, connection: SlackConnection, error: WorkspaceBrokenError) -> Outcome:
        workspace = connection.workspace
        await self._workspaces.broke(connection, error.code)
        now = self._workspaces.connection(workspace.id)
        if now is not None and now.workspace.breakage is None:
            return Outcome(sent=False, detail=error.detail)  # the token was replaced while this one was tried
        return _waits(workspace, error.code, tried=True)

    def _notifier(self, workspace: SlackWorkspace, token: Secret) -> SlackNotifier:
        known = self._notifiers.get(workspace.id)
        if known is None or known[0] != token:
            known = self._notifiers[workspace.id] = (token, self._make(workspace.id, token))
        return known[1]


def _waits(workspace: SlackWorkspace, code: str, *, tried: bool) -> Outcome:
    return Outcome(
        sent=False,
        tried=tried,
        detail=f"SLACK_WORKSPACE_BROKEN: {workspace.id}: {code}",
        retry_after=LOOK_AGAIN,
        held_by=workspace.id,
    )
