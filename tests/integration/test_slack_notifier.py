"""Slack over real sockets: what is made of each error, silence and refusal."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_sandbox.options import SLACK_TOKEN
from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.slack import SlackNotifier, WorkspaceBrokenError
from calguard_server.notifiers.slack_answers import DESTINATION_WRONG, NOBODY_THERE, WORKSPACE_BROKEN
from tests.integration.slack_harness import ANN, POST, SHORT, methods, notifier, ops
from tests.unit.notice_messages import make_message


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed="test")) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def slack(sandbox: Sandbox, session: aiohttp.ClientSession) -> SlackNotifier:
    return notifier(sandbox, session)


@pytest.mark.parametrize("error", sorted(WORKSPACE_BROKEN))
@pytest.mark.parametrize("endpoint", ["users.lookupByEmail", "conversations.open", POST])
async def test_a_broken_workspace_is_no_outcome(
    sandbox: Sandbox, slack: SlackNotifier, endpoint: str, error: str
) -> None:
    """At whichever call: it says nothing of the message."""
    sandbox.fault(f"slack/{error}", endpoint=endpoint)
    with pytest.raises(WorkspaceBrokenError) as broken:
        await slack.send(make_message(), ANN)
    assert (broken.value.code, broken.value.detail) == (error, f"slack {error}, HTTP 200")
    assert SLACK_TOKEN not in repr(broken.value)


@pytest.mark.parametrize("error", sorted(DESTINATION_WRONG | NOBODY_THERE))
@pytest.mark.parametrize("endpoint", ["users.lookupByEmail", "conversations.open", POST])
async def test_permanent_errors(sandbox: Sandbox, slack: SlackNotifier, endpoint: str, error: str) -> None:
    """Permanent at whichever call: also of a direct message channel that was only just looked up."""
    sandbox.fault(f"slack/{error}", endpoint=endpoint)
    first = await slack.send(make_message(), ANN)
    assert (first.sent, first.permanent) == (False, True)
    assert first.detail == f"slack {error}, HTTP 200"
    assert SLACK_TOKEN not in repr(first)


@pytest.mark.parametrize("error", sorted(DESTINATION_WRONG))
async def test_permanent_errors_of_a_channel(sandbox: Sandbox, slack: SlackNotifier, error: str) -> None:
    """A channel that was given is not looked up, so its refusal stands."""
    sandbox.fault(f"slack/{error}", endpoint=POST)
    outcome = await slack.send(make_message(), ops(sandbox))
    assert (outcome.sent, outcome.permanent) == (False, True)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("slack/internal_error", "slack internal_error, HTTP 200"),
        ("slack/fatal_error", "slack fatal_error, HTTP 200"),
        ("slack/500", "slack internal_error, HTTP 500"),
        ("slack/503_html", "slack unreadable_answer, HTTP 503"),
        ("slack/200_html", "slack unreadable_answer, HTTP 200"),
        ("slack/unheard_of", "slack some_error_of_tomorrow, HTTP 200"),
    ],
)
@pytest.mark.parametrize("endpoint", ["users.lookupByEmail", "conversations.open", POST])
async def test_errors_that_pass(sandbox: Sandbox, slack: SlackNotifier, endpoint: str, fault: str, detail: str) -> None:
    """Slack's own errors, answers that are none, and what nobody has heard of yet: tried again, and then it works."""
    sandbox.fault(fault, endpoint=endpoint, times=1)
    outcome = await slack.send(make_message(), ANN)
    assert (outcome.sent, outcome.permanent, outcome.detail) == (False, False, detail)
    assert methods(sandbox)[-1] == endpoint
    assert (await slack.send(make_message(), ANN)).sent


async def test_a_rate_limit_is_waited_for(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """As long as Slack asks; the client itself does not try again."""
    sandbox.fault("slack/ratelimited", endpoint=POST)
    outcome = await slack.send(make_message(), ops(sandbox))
    assert outcome == Outcome(
        sent=False,
        detail="slack ratelimited, HTTP 429",
        address=ops(sandbox).slack.channel_id,
        retry_after=timedelta(seconds=30),
    )
    assert methods(sandbox) == [POST]


@pytest.mark.parametrize("asked", ["", "soon", "-1", "9" * 30])
async def test_a_wait_that_is_no_number_is_ignored(sandbox: Sandbox, slack: SlackNotifier, asked: str) -> None:
    """It is tried again as usual, even where the answer is no JSON."""
    headers = {"Retry-After": asked, "Content-Type": "application/json"}
    sandbox.fault({"status": 429, "headers": headers, "body": "{not json"}, surface="slack")
    outcome = await slack.send(make_message(), ANN)
    assert (outcome.sent, outcome.permanent, outcome.retry_after) == (False, False, None)


@pytest.mark.parametrize("body", ["[]", '"ok"', "null", "{}", '{"ok": true}', '{"ok": true, "user": []}', "{tru"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "text/html"])
async def test_answers_that_are_none(sandbox: Sandbox, slack: SlackNotifier, body: str, content_type: str) -> None:
    """Nothing that is answered raises."""
    headers = {"Content-Type": content_type}
    sandbox.fault({"status": 200, "headers": headers, "body": body}, surface="slack")
    outcome = await slack.send(make_message(), ANN)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail


@pytest.mark.parametrize(("fault", "posted"), [("network/hang", 0), ("network/hang_after", 1)])
async def test_silence_is_an_unknown_outcome(
    sandbox: Sandbox, session: aiohttp.ClientSession, fault: str, posted: int
) -> None:
    """It is tried again, and the detail says that it may have been posted."""
    sandbox.fault(fault, surface="slack", endpoint=POST)
    outcome = await notifier(sandbox, session, timeout=SHORT).send(make_message(), ops(sandbox))
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail == "TIMEOUT: no answer from Slack; the message may have been posted"
    assert len(sandbox.slack.messages.records) == posted


async def test_silence_at_the_look_up(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """Nothing can have been posted."""
    sandbox.fault("network/hang", surface="slack", endpoint="users.lookupByEmail")
    outcome = await notifier(sandbox, session, timeout=SHORT).send(make_message(), ANN)
    assert outcome == Outcome(sent=False, detail="TIMEOUT: no answer from Slack", address="ann@example.com")


@pytest.mark.parametrize("fault", ["network/drop", "network/drop_after", "network/garbage"])
async def test_a_broken_connection_is_tried_again(sandbox: Sandbox, slack: SlackNotifier, fault: str) -> None:
    """Whether it was posted is not known."""
    sandbox.fault(fault, surface="slack", endpoint=POST)
    outcome = await slack.send(make_message(), ops(sandbox))
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert "may have been posted" in outcome.detail


async def test_nobody_listens(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """A refused connection is tried again."""
    address = ops(sandbox)
    await sandbox.set_listening("slack", up=False)
    outcome = await slack.send(make_message(), address)
    assert (outcome.sent, outcome.permanent) == (False, False)
    assert outcome.detail == "CONNECTION_LOST: Slack cannot be reached, or hung up"


async def test_a_wrong_token_is_not_shown(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """It is nowhere in what is raised."""
    with pytest.raises(WorkspaceBrokenError, match="invalid_auth") as broken:
        await notifier(sandbox, session, token="xoxb-wrong-token").send(make_message(), ANN)
    assert "xoxb-wrong-token" not in repr((broken.value, broken.value.detail))


async def test_cancelling_ends_at_once(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """A shutdown is not held up, nor taken for an outcome."""
    rule = sandbox.fault("network/hang", surface="slack", endpoint=POST)
    sending = asyncio.create_task(slack.send(make_message(), ops(sandbox)))
    async with asyncio.timeout(10):
        while not rule.struck:
            await asyncio.wait([sending], timeout=0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
