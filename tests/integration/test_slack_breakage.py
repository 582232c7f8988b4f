"""Slack workspaces over a real store: what breaks them, once, and what becomes of what is on its way meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.errors import FailedPreconditionError, NotFoundError
from calguard_server.domain.secret import Secret
from calguard_server.domain.slack_workspace import SlackTeam, SlackWorkspaceState
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.slack import SlackTokenRefusedError
from calguard_server.engine.slack_workspaces import SlackWorkspaces, WorkspaceWish
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.slack import WorkspaceBrokenError
from calguard_server.notifiers.slack_answers import Reading
from calguard_server.workers.slack_dispatch import LOOK_AGAIN, SlackDispatch
from tests.fakes.service import Service, make_account, running_service
from tests.unit.notice_messages import make_message

IN_ACME = Address(slack=SlackAddress(workspace_id="acme", channel_id="C1"))
FIRST, SECOND = Secret("xoxb-first"), Secret("xoxb-second")


class Team:
    """Slack's answer to whose a token is; a token that is in `dead` is refused."""

    def __init__(self) -> None:
        self.dead: set[str] = set()
        self.asked: list[str] = []

    async def verify(self, token: Secret) -> SlackTeam:
        self.asked.append(token.reveal())
        if token.reveal() in self.dead:
            raise SlackTokenRefusedError("token_revoked")
        return SlackTeam("T1", "Acme Inc.")


@dataclass
class Workspace:
    """A notifier of one token: what it was given, and whether Slack refuses the token. It can be made to wait."""

    token: str
    sent: list[str] = field(default_factory=list)
    broken: bool = False
    gate: asyncio.Event | None = None

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise WorkspaceBrokenError(Reading("token_revoked", 200, None))
        self.sent.append(message.message_id)
        return Outcome(sent=True, address=address.slack.channel_id)


@dataclass
class Setting:
    """The workspaces, Slack as they ask it, and a notifier for each token by its text."""

    service: Service
    slack: Team
    workspaces: SlackWorkspaces
    notifiers: dict[str, Workspace] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dispatch = SlackDispatch(self.workspaces, self._make, email=None)

    def _make(self, _workspace_id: str, token: Secret) -> Workspace:
        return self.notifiers.setdefault(token.reveal(), Workspace(token.reveal()))

    async def alerts(self) -> list[str]:
        """The stages of the operator's alerts."""
        listed = await self.service.store.notifications(NotificationFilter(), 0, 100)
        return [each.delivery.stage for each in listed]


@pytest.fixture
async def setting(tmp_path: Path) -> AsyncIterator[Setting]:
    async with running_service(tmp_path / "db") as service:
        slack = Team()
        workspaces = SlackWorkspaces(service.context, service.alerts, slack, None)
        await workspaces.load()
        yield Setting(service, slack, workspaces)


def wish(token: Secret = FIRST) -> WorkspaceWish:
    return WorkspaceWish("acme", "", token)


async def test_two_that_meet_a_breakage_at_once_are_one(setting: Setting) -> None:
    """One change of the workspace, one alert; both wait, each tried once, and a third one is not tried."""
    await setting.workspaces.put(wish())
    notifier = setting.notifiers[FIRST.reveal()] = Workspace(FIRST.reveal(), broken=True)
    met = await asyncio.gather(*(setting.dispatch.send(make_message(message_id=name), IN_ACME) for name in "ab"))
    third = await setting.dispatch.send(make_message(message_id="c"), IN_ACME)
    assert [(each.tried, each.held_by, each.retry_after) for each in met] == [(True, "acme", LOOK_AGAIN)] * 2
    assert (third.tried, third.held_by, third.permanent) == (False, "acme", False)
    assert third.detail == "SLACK_WORKSPACE_BROKEN: acme: token_revoked"
    workspace = setting.workspaces.get("acme")
    assert (workspace.state, workspace.revision) == (SlackWorkspaceState.BROKEN, 2)
    assert await setting.alerts() == ["SLACK_WORKSPACE_BROKEN:acme:token_revoked"]
    assert notifier.sent == []


async def test_a_token_that_was_replaced_meanwhile_breaks_nothing(setting: Setting) -> None:
    """Slack refuses the former token while the new one is put already: the message is tried again, with that."""
    await setting.workspaces.put(wish())
    former = setting.notifiers[FIRST.reveal()] = Workspace(FIRST.reveal(), broken=True, gate=asyncio.Event())
    sending = asyncio.create_task(setting.dispatch.send(make_message(), IN_ACME))
    await setting.workspaces.put(wish(SECOND))
    assert former.gate is not None
    former.gate.set()
    outcome = await sending
    assert (outcome.sent, outcome.permanent, outcome.held_by) == (False, False, "")
    assert setting.workspaces.get("acme").state is SlackWorkspaceState.CONNECTED
    assert await setting.alerts() == []
    assert (await setting.dispatch.send(make_message(), IN_ACME)).sent
    assert setting.notifiers[SECOND.reveal()].sent == ["message-1"]


async def test_a_workspace_that_was_deleted_and_put_again_has_its_new_token(setting: Setting) -> None:
    """And breaks for itself, with an alert of its own on the same day."""
    for token in (FIRST, SECOND):
        await setting.workspaces.put(wish(token))
        assert (await setting.dispatch.send(make_message(message_id=token.reveal()), IN_ACME)).sent
        assert setting.notifiers[token.reveal()].sent == [token.reveal()]
        setting.notifiers[token.reveal()].broken = True
        await setting.dispatch.send(make_message(), IN_ACME)
        await setting.workspaces.delete("acme")
        setting.service.clock.advance(LOOK_AGAIN)
    assert await setting.alerts() == ["SLACK_WORKSPACE_BROKEN:acme:token_revoked"] * 2


async def test_the_same_breakage_is_alerted_once_a_day(setting: Setting) -> None:
    """A workspace that is mended and breaks in turns does not flood the operator; another token starts anew."""
    await setting.workspaces.put(wish())
    for _ in range(3):
        connection = setting.workspaces.connection("acme")
        assert connection is not None
        await setting.workspaces.broke(connection, "token_revoked")
        await setting.workspaces.review()
        assert setting.workspaces.get("acme").state is SlackWorkspaceState.CONNECTED
    assert len(await setting.alerts()) == 1
    await setting.workspaces.put(wish(SECOND))
    connection = setting.workspaces.connection("acme")
    assert connection is not None
    await setting.workspaces.broke(connection, "token_revoked")
    assert len(await setting.alerts()) == 2


async def test_only_what_is_broken_is_asked_of_slack_again(setting: Setting) -> None:
    """And what Slack still refuses stays broken, since when it was."""
    await setting.workspaces.put(wish())
    await setting.workspaces.review()
    assert setting.slack.asked == [FIRST.reveal()]
    connection = setting.workspaces.connection("acme")
    assert connection is not None
    await setting.workspaces.broke(connection, "account_inactive")
    setting.slack.dead.add(FIRST.reveal())
    broken = setting.workspaces.get("acme")
    setting.service.clock.advance(LOOK_AGAIN)
    await setting.workspaces.review()
    assert setting.slack.asked == [FIRST.reveal()] * 2
    assert setting.workspaces.get("acme") == broken


async def test_what_is_stored_is_what_is_known(setting: Setting) -> None:
    """Whoever starts anew knows the same; what was refused has left no trace."""
    await setting.workspaces.put(wish())
    setting.slack.dead.add(SECOND.reveal())
    with pytest.raises(FailedPreconditionError, match="token_revoked"):
        await setting.workspaces.put(wish(SECOND))
    again = SlackWorkspaces(setting.service.context, setting.service.alerts, setting.slack, FIRST)
    await again.load()
    assert again.connection("acme") == setting.workspaces.connection("acme")
    default = again.connection("")
    assert default is not None
    assert (default.workspace.id, default.token) == ("default", FIRST)
    without = SlackWorkspaces(setting.service.context, setting.service.alerts, setting.slack, None)
    await without.load()
    assert [each.id for each in without.list("", 10)] == ["acme"]
    with pytest.raises(NotFoundError):
        without.get("default")


async def test_an_address_and_a_deletion_at_once(setting: Setting) -> None:
    """In one commit, in either order: never an address that was taken for a workspace that is gone."""
    there = SlackAddress(workspace_id="acme")
    for number in range(20):
        await setting.workspaces.put(wish())
        account = make_account(f"a{number}", slack=there)
        calls = [setting.service.accounts.create(account), setting.workspaces.delete("acme")]
        outcomes = await asyncio.gather(*(calls if number % 2 else reversed(calls)), return_exceptions=True)
        reasons = sorted(each.reason for each in outcomes if isinstance(each, FailedPreconditionError))
        kept = await setting.service.store.account(account.id)
        assert reasons == (["SLACK_WORKSPACE_MISSING"] if kept is None else ["SLACK_WORKSPACE_IN_USE"])
        if kept is not None:
            await setting.service.accounts.delete(account.id)
