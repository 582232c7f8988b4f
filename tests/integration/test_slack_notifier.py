"""Slack over real sockets: what is its own, besides what every channel does (tests/contract)."""

from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.slack import SlackNotifier
from calguard_server.notifiers.slack_answers import DESTINATION_WRONG
from tests.integration.slack_harness import ANN, POST, methods, notifier, ops
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


@pytest.mark.parametrize("error", sorted(DESTINATION_WRONG))
async def test_permanent_errors_of_a_channel(sandbox: Sandbox, slack: SlackNotifier, error: str) -> None:
    """A channel that was given is not looked up, so its refusal stands."""
    sandbox.fault(f"slack/{error}", endpoint=POST)
    outcome = await slack.send(make_message(), ops(sandbox))
    assert (outcome.sent, outcome.permanent) == (False, True)


@pytest.mark.parametrize("endpoint", ["users.lookupByEmail", "conversations.open", POST])
async def test_an_error_that_passes_leaves_nothing_behind(
    sandbox: Sandbox, slack: SlackNotifier, endpoint: str
) -> None:
    """Nothing more is asked of Slack after it, and the next try works."""
    sandbox.fault("slack/internal_error", endpoint=endpoint, times=1)
    assert not (await slack.send(make_message(), ANN)).sent
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
