"""Slack workspaces over gRPC: tokens are tried before they are stored, never come out, and are kept encrypted."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.slack_pb2 import SlackAddress
from calguard_sandbox.options import SLACK_TOKEN
from calguard_sandbox.slack.state import SlackState
from tests.e2e.backend import OPERATOR, Backend, running_backend
from tests.e2e.stubs import ALL, refused, told

TOKEN, SECOND = "xoxb-acme-1", "xoxb-acme-2"
TEAM = "T0ACME"
CONNECTED = slack_pb.SLACK_WORKSPACE_STATE_CONNECTED


@pytest.fixture
def acme(backend: Backend) -> SlackState:
    """A second workspace at Slack, with two good tokens."""
    workspace = backend.sandbox.slack_workspaces.add(TEAM, TOKEN, "Acme Inc.")
    workspace.put_token(SECOND)
    return workspace


async def test_a_workspace_is_put_read_and_listed(backend: Backend, acme: SlackState) -> None:
    """Whose it is comes from Slack; that of the setting is listed with it."""
    put = await backend.put_slack("acme", TOKEN)
    assert (put.id, put.name, put.team_id, put.team_name) == ("acme", "Acme Inc.", TEAM, "Acme Inc.")
    assert (put.state, put.HasField("cause"), put.revision) == (CONNECTED, False, 1)
    assert await backend.slack_workspace("acme") == put
    default = await backend.slack_workspace("default")
    assert (default.id, default.state) == ("default", CONNECTED)
    assert await backend.slack_workspaces() == [put, default]
    assert acme.team == TEAM


async def test_a_list_has_pages(backend: Backend) -> None:
    for number in range(3):
        backend.sandbox.slack_workspaces.add(f"T0{number}", f"xoxb-{number}")
        await backend.put_slack(f"w{number}", f"xoxb-{number}")
    first = await backend.slack.ListSlackWorkspaces(slack_pb.ListSlackWorkspacesRequest(page_size=3))
    assert [each.id for each in first.slack_workspaces] == ["default", "w0", "w1"]
    more = slack_pb.ListSlackWorkspacesRequest(page_size=3, page_token=first.next_page_token)
    rest = await backend.slack.ListSlackWorkspaces(more)
    assert ([each.id for each in rest.slack_workspaces], rest.next_page_token) == (["w2"], "")


async def test_a_token_never_comes_out(backend: Backend, acme: SlackState, capfd: pytest.CaptureFixture[str]) -> None:
    """Not by an answer, an error, a log line, or in clear from the database."""
    put = await backend.put_slack("acme", TOKEN, request_id="6f0d3a9e-5a1b-4c3d-8e2f-0123456789ab")
    acme.kill_token(SECOND)
    refusal = await refused(backend.put_slack("acme", SECOND))
    await backend.stop()
    shown = f"{put}{refusal}{''.join(capfd.readouterr())}"
    stored = b"".join(path.read_bytes() for path in backend.database.parent.iterdir())
    await backend.start()
    for token in (TOKEN, SECOND, SLACK_TOKEN):
        assert token not in shown
        assert token.encode() not in stored


async def test_a_workspace_survives_a_restart(backend: Backend, acme: SlackState) -> None:
    put = await backend.put_slack("acme", TOKEN, name="Acme")
    await backend.restart()
    assert await backend.slack_workspace("acme") == put
    assert acme.tokens


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "token_expired", "account_inactive"])
async def test_a_token_that_slack_refuses_is_not_stored(backend: Backend, acme: SlackState, error: str) -> None:
    kept = await backend.put_slack("acme", TOKEN)
    acme.kill_token(SECOND, error)
    refusal = await refused(backend.put_slack("acme", SECOND))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_TOKEN_REFUSED")
    assert refusal.metadata["slack_error"] == error
    assert await backend.slack_workspace("acme") == kept


async def test_a_token_that_lacks_a_scope_is_not_stored(backend: Backend, acme: SlackState) -> None:
    acme.put_token(TOKEN, ("chat:write", "users:read"))
    refusal = await refused(backend.put_slack("acme", TOKEN))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_SCOPE_MISSING")
    assert refusal.metadata["scopes"] == "im:write,users:read.email"
    assert [each.id for each in await backend.slack_workspaces()] == ["default"]


@pytest.mark.parametrize(
    "fault",
    ["slack/internal_error", "slack/500", "slack/503_html", "slack/200_html", "slack/ratelimited", "network/drop"],
)
async def test_nothing_is_stored_where_slack_cannot_be_asked(backend: Backend, acme: SlackState, fault: str) -> None:
    backend.sandbox.fault(fault, surface="slack", endpoint="auth.test")
    assert told(await refused(backend.put_slack("acme", TOKEN))) == ("UNAVAILABLE", "SLACK_UNREACHABLE")
    assert [each.id for each in await backend.slack_workspaces()] == ["default"]
    backend.sandbox.faults.clear()
    assert (await backend.put_slack("acme", TOKEN)).team_id == acme.team


async def test_a_team_is_one_workspace(backend: Backend, acme: SlackState) -> None:
    """Under two ids it would have two paces; that of the setting is one, too."""
    kept = await backend.put_slack("acme", TOKEN)
    refusal = await refused(backend.put_slack("second", TOKEN))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_TEAM_TAKEN")
    assert refusal.metadata == {"team_id": acme.team, "slack_workspace_id": kept.id}
    backend.sandbox.slack.put_token("xoxb-another")
    assert told(await refused(backend.put_slack("third", "xoxb-another"))) == (
        "FAILED_PRECONDITION",
        "SLACK_TEAM_TAKEN",
    )


async def test_a_bad_token_of_the_setting_is_noticed_at_the_start(backend: Backend) -> None:
    """The operator is told before anybody is to be; a good one names its team."""
    await backend.restart(slack_bot_token="xoxb-nope")

    async def until_broken() -> None:
        while (await backend.slack_workspace("default")).state != slack_pb.SLACK_WORKSPACE_STATE_BROKEN:
            await backend.notifications()

    await backend.ticking(until_broken())
    cause = (await backend.slack_workspace("default")).cause
    assert cause.code == "invalid_auth"
    assert "SLACK_BOT_TOKEN" in cause.remedy
    await backend.settled()
    assert ("EMAIL", OPERATOR, "Operator alert: SLACK_WORKSPACE_BROKEN") in backend.heard()


async def test_a_token_of_another_team_is_refused(backend: Backend, acme: SlackState) -> None:
    """The ids of people and channels would be another team's."""
    kept = await backend.put_slack("acme", TOKEN)
    backend.sandbox.slack_workspaces.add("T0OTHER", "xoxb-other")
    refusal = await refused(backend.put_slack("acme", "xoxb-other"))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_TEAM_MISMATCH")
    assert refusal.metadata["team_id"] == acme.team
    assert await backend.slack_workspace("acme") == kept


async def test_a_token_is_replaced(backend: Backend, acme: SlackState) -> None:
    """The name stays where none is given; the etag tells that it was replaced, and guards it."""
    first = await backend.put_slack("acme", TOKEN, name="Acme")
    second = await backend.put_slack("acme", SECOND, etag=first.etag)
    assert (second.name, second.revision, second.create_time) == ("Acme", 2, first.create_time)
    assert second.etag != first.etag
    assert told(await refused(backend.put_slack("acme", TOKEN, etag=first.etag))) == ("ABORTED", "ETAG_MISMATCH")
    assert told(await refused(backend.put_slack("new", TOKEN, etag=first.etag))) == ("ABORTED", "ETAG_MISMATCH")
    assert acme.tokens


async def test_the_workspace_of_the_setting_is_the_settings(backend: Backend) -> None:
    """It is neither put nor deleted by a call, and gone when the setting is."""
    expected = ("FAILED_PRECONDITION", "SLACK_WORKSPACE_OF_SETTINGS")
    assert told(await refused(backend.put_slack("default", SLACK_TOKEN))) == expected
    assert told(await refused(backend.delete_slack("default"))) == expected
    await backend.restart(slack_bot_token="")
    assert await backend.slack_workspaces() == []
    refusal = await refused(backend.add_account("ann", slack=SlackAddress(workspace_id="default", user_id="U1")))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_WORKSPACE_MISSING")


async def test_an_address_names_a_workspace_that_exists(backend: Backend, acme: SlackState) -> None:
    """Of an account and of a page, on creation and later; what does not touch the address is not in the way."""
    missing = ("FAILED_PRECONDITION", "SLACK_WORKSPACE_MISSING")
    there = SlackAddress(workspace_id="acme", channel_id=acme.channel("ops").id)
    refusal = await refused(backend.add_account("ann", slack=there))
    assert (told(refusal), refusal.metadata["slack_workspace_id"]) == (missing, "acme")
    await backend.add_account("ann")
    assert told(await refused(backend.add_page("page", ALL, "ann", slack=there))) == missing
    page = await backend.add_page("page", ALL, "ann")
    page.slack.CopyFrom(there)
    assert told(await refused(backend.change_page(page, "slack"))) == missing
    await backend.put_slack("acme", TOKEN)
    assert (await backend.change_page(page, "slack")).slack == there
    await backend.delete_slack("acme", force=True)
    renamed = await backend.change_page(BookingPage(id="page", title="Renamed"), "title")
    assert (renamed.title, renamed.slack) == ("Renamed", there)


async def test_a_workspace_in_use_is_deleted_by_force_only(backend: Backend, acme: SlackState) -> None:
    """The refusal tells how many name it; when none does any more, it goes without."""
    put = await backend.put_slack("acme", TOKEN)
    there = SlackAddress(workspace_id="acme")
    for name in ("ann", "ben"):
        await backend.add_account(name, slack=there)
    await backend.add_account("olga")
    page = await backend.add_page("page", ALL, "olga", slack=there)
    refusal = await refused(backend.delete_slack("acme"))
    assert told(refusal) == ("FAILED_PRECONDITION", "SLACK_WORKSPACE_IN_USE")
    assert (refusal.metadata["accounts"], refusal.metadata["booking_pages"]) == ("2", "1")
    assert told(await refused(backend.delete_slack("acme", force=True, etag="x"))) == ("ABORTED", "ETAG_MISMATCH")
    page.ClearField("slack")
    await backend.change_page(page, "slack")
    await backend.delete_account("ann")
    assert (await refused(backend.delete_slack("acme"))).metadata["accounts"] == "1"
    await backend.delete_slack("acme", force=True, etag=put.etag)
    assert backend.rows("SELECT * FROM slack_tokens") == []
    assert [each.id for each in await backend.slack_workspaces()] == ["default"]
    assert acme.tokens[TOKEN].error is None


@pytest.fixture
async def reopened(tmp_path: Path) -> AsyncIterator[Backend]:
    async with running_backend(tmp_path) as running:
        running.sandbox.slack_workspaces.add(TEAM, TOKEN)
        await running.put_slack("acme", TOKEN)
        yield running


async def test_a_token_that_no_key_opens_breaks_its_workspace(reopened: Backend) -> None:
    """A key of TOKEN_KEYS was lost: the workspace says so, and is mended by putting the token anew."""
    await reopened.restart(token_keys="A" * 43 + "=", accept_lost_keys="true")
    broken = await reopened.slack_workspace("acme")
    assert (broken.state, broken.cause.code) == (slack_pb.SLACK_WORKSPACE_STATE_BROKEN, "token_unreadable")
    assert "TOKEN_KEYS" in broken.cause.remedy
    assert (await reopened.put_slack("acme", TOKEN)).state == CONNECTED
