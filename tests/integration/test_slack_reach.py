"""Slack over real sockets: who is reached, by which calls, and what arrives."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.account import Locale, SlackAddress
from calguard_server.domain.delivery import Outcome
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.slack import SlackNotifier
from tests.fakes.world import ManualClock
from tests.integration.slack_harness import ANN, POST, methods, notifier, ops
from tests.patience import PATIENCE_SECONDS
from tests.unit.notice_messages import make_message, make_page, make_pages


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


async def test_a_channel_goes_before_the_person(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """One call, with blocks, and a fallback for notifications."""
    address = ops(sandbox)
    outcome = await slack.send(make_message(pages=make_pages(3)), address)
    assert outcome == Outcome(sent=True, detail="slack ok, HTTP 200", address=address.slack.channel_id)
    [message] = sandbox.slack.messages.records
    assert message.channel_name == "ops"
    assert message.text.startswith("Booking page stopped: Demo 1 and 2 more\n")
    assert message.blocks[0]["text"]["text"] == "Booking page stopped: Demo 1 and 2 more"
    assert methods(sandbox) == [POST]


async def test_a_user_is_told_directly(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """The conversation is opened first; the second time it is known."""
    address = Address(slack=SlackAddress(user_id=sandbox.slack.user("ben@example.com").id), email="ann@example.com")
    assert (await slack.send(make_message(), address)).sent
    assert (await slack.send(make_message(), address)).sent
    assert [message.user_email for message in sandbox.slack.messages.records] == ["ben@example.com"] * 2
    assert methods(sandbox) == ["conversations.open", POST, POST]


async def test_a_person_is_looked_up_by_email(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """Where nothing else is known; the second time it is remembered."""
    first = await slack.send(make_message(), ANN)
    second = await slack.send(make_message(), ANN)
    [message, _] = sandbox.slack.messages.records
    assert first == second == Outcome(sent=True, detail="slack ok, HTTP 200", address=message.channel)
    assert message.user_email == "ann@example.com"
    assert methods(sandbox) == ["users.lookupByEmail", "conversations.open", POST, POST]


async def test_few_people_are_remembered(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """The one not written to for longest is looked up anew."""
    slack = notifier(sandbox, session, remembered_max=2)
    for name in ("ann", "ben", "ann", "olga", "ann", "ben"):
        await slack.send(make_message(), Address(email=f"{name}@example.com"))
    assert methods(sandbox).count("users.lookupByEmail") == 4


async def test_without_an_address_nothing_is_asked(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """It is permanent."""
    outcome = await slack.send(make_message(), Address(slack=SlackAddress(workspace_id="T1")))
    assert (outcome.sent, outcome.permanent) == (False, True)
    assert methods(sandbox) == []


async def test_a_remembered_channel_that_is_gone_is_looked_up_again(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """What was remembered may be stale: it is forgotten and tried again, before the delivery is given up."""
    assert (await slack.send(make_message(), ANN)).sent
    sandbox.fault("slack/channel_not_found", endpoint=POST, times=1)
    stale = await slack.send(make_message(), ANN)
    assert (stale.sent, stale.permanent) == (False, False)
    assert (await slack.send(make_message(), ANN)).sent
    assert methods(sandbox).count("users.lookupByEmail") == 2


async def test_a_person_who_left_is_given_up(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """Once the look-up finds nobody."""
    assert (await slack.send(make_message(), ANN)).sent
    sandbox.slack.user("ann@example.com").deactivated = True
    assert not (await slack.send(make_message(), ANN)).permanent
    outcome = await slack.send(make_message(), ANN)
    assert (outcome.permanent, outcome.detail) == (True, "slack users_not_found, HTTP 200")


async def test_hostile_titles_arrive_harmless(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """No mention, link or formatting comes of them, nor does a Japanese text suffer."""
    pages = (make_page(title="<!channel> *bold* <https://evil.example|click>"),)
    await slack.send(make_message(locale=Locale.JAPANESE, pages=pages), ops(sandbox))
    [message] = sandbox.slack.messages.records
    sent = json.dumps([message.text, message.blocks], ensure_ascii=False)
    assert "<!channel>" not in sent
    assert "<https://evil" not in sent
    assert "*bold*" not in sent
    assert "予約ページが停止しました" in sent


@pytest.mark.parametrize("error", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"])
async def test_blocks_that_slack_refuses_go_as_text(sandbox: Sandbox, slack: SlackNotifier, error: str) -> None:
    """All that the blocks said, and the addresses in full; a name in it is still no mention."""
    sandbox.fault({"status": 200, "body": {"ok": False, "error": error}}, surface="slack", endpoint=POST, times=1)
    outcome = await slack.send(make_message(pages=(make_page(title="<!channel> Demo"),)), ops(sandbox))
    assert outcome.sent
    [message] = sandbox.slack.messages.records
    assert message.blocks == []
    for part in ("Sales team", "https://booking.example/relink/link-1", "&lt;!channel&gt; Demo"):
        assert part in message.text


async def test_what_is_too_early_is_not_tried(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    """By the pace of its channel, or because Slack asks to wait: nothing is asked of Slack, and the time is told."""
    clock = ManualClock()
    slack, bookings = notifier(sandbox, session, clock=clock), sandbox.slack.channel("bookings").id
    elsewhere = Address(slack=SlackAddress(channel_id=bookings))
    assert (await slack.send(make_message(message_id="a"), ops(sandbox))).sent
    paced = await slack.send(make_message(message_id="b"), ops(sandbox))
    assert (paced.tried, paced.retry_after) == (False, timedelta(seconds=1))
    sandbox.fault("slack/ratelimited", endpoint=POST, channel="bookings", times=1)
    limited = await slack.send(make_message(message_id="c"), elsewhere)
    assert (limited.tried, limited.retry_after) == (True, timedelta(seconds=30))
    clock.advance(timedelta(seconds=10))
    closed = await slack.send(make_message(message_id="b"), ops(sandbox))
    assert (closed.tried, closed.retry_after) == (False, timedelta(seconds=20))
    clock.advance(timedelta(seconds=20))
    assert (await slack.send(make_message(message_id="b"), ops(sandbox))).sent
    assert methods(sandbox) == [POST] * 3


async def test_the_second_of_a_channel_begins_when_slack_had_the_message_at_the_latest(
    sandbox: Sandbox, session: aiohttp.ClientSession
) -> None:
    """It may have been long on its way; whether Slack answered or not."""
    clock = ManualClock()
    slack, before = notifier(sandbox, session, clock=clock), sandbox.slack_requests.last
    sandbox.fault("network/hang_after", surface="slack", endpoint=POST, times=1)
    slow = asyncio.create_task(slack.send(make_message(message_id="a"), ops(sandbox)))
    assert await sandbox.slack_requests.wait(after=before, seconds=PATIENCE_SECONDS)
    clock.advance(timedelta(milliseconds=300))
    sandbox.faults.clear()
    assert (await slow).doubtful
    paced = await slack.send(make_message(message_id="b"), ops(sandbox))
    assert (paced.tried, paced.retry_after) == (False, timedelta(seconds=1))


async def test_only_what_more_may_come_of_is_kept(sandbox: Sandbox, slack: SlackNotifier) -> None:
    """A message that begins a thread says where it is and what it said; the end of something does not."""
    begun = await slack.send(make_message(begins_thread=True), ops(sandbox))
    ended = await slack.send(make_message(), ops(sandbox))
    [first, _] = sandbox.slack.messages.records
    assert begun.posted is not None
    assert (begun.posted.channel, begun.posted.ts, begun.posted.workspace_id) == (first.channel, first.ts, "default")
    assert json.loads(begun.posted.content) == {"text": first.text, "blocks": first.blocks}
    assert ended.posted is None
