"""What every channel must do, over a real socket. A channel without a harness fails."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from structlog.testing import capture_logs

from calguard_server.domain.delivery import Outcome
from calguard_server.domain.notices import Channel
from calguard_server.notifiers.message import Address, NoticeMessage
from tests.contract.channel_harness import EXPECTED, SHORT, ChannelHarness, Expected, Row, Situation
from tests.contract.email_channel import EmailHarness
from tests.contract.slack_channel import SlackHarness
from tests.contract.webhook_channel import WebhookHarness
from tests.patience import PATIENCE_SECONDS
from tests.unit.notice_messages import make_fault, make_message, make_page

HARNESSES: Mapping[Channel, type[ChannelHarness]] = MappingProxyType(
    {each.channel: each for each in (EmailHarness, SlackHarness, WebhookHarness)}
)
HOSTILE = (
    "<script>alert(1)</script>\r\nBcc: x@evil.example\r\nwebhook-id: x\n"
    '*bold* <!channel> <https://evil.example|x> "\u202e'
)
_FOREVER = timedelta(minutes=1)
EVERY_ROW = [
    pytest.param(channel, row, id=f"{channel}-{row.name}") for channel, made in HARNESSES.items() for row in made.rows
]
each_channel = pytest.mark.parametrize("channel", list(Channel), indirect=True)
each_row = pytest.mark.parametrize(("channel", "row"), EVERY_ROW, indirect=["channel"])


@dataclass
class Trial:
    """A channel under test. Whatever it says, by outcomes and in the log, is kept and searched for its secrets."""

    harness: ChannelHarness
    said: list[object] = field(default_factory=list)

    async def send(self, message: NoticeMessage | None = None, patience: timedelta = _FOREVER) -> Outcome:
        hook = self.harness.hook(patience)
        with capture_logs() as logs:
            outcome = await hook.send(message or make_message(), self.harness.address)
        self.said += [outcome, hook, self.harness.address, *logs]
        return outcome


@pytest.fixture
async def channel(
    request: pytest.FixtureRequest, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> AsyncIterator[Trial]:
    """A channel whose other end accepts everything; at the end nothing it said may hold a secret."""
    caplog.set_level(logging.DEBUG)
    harness_of = HARNESSES[request.param]
    async with harness_of.running(tmp_path) as harness, asyncio.timeout(PATIENCE_SECONDS):
        trial = Trial(harness)
        yield trial
    assert trial.said
    said = f"{trial.said!r}{caplog.text}"
    assert [secret for secret in harness.secrets if secret in said.replace(repr(harness.address), "")] == []


def seen(outcome: Outcome) -> Expected:
    return Expected(outcome.sent, outcome.permanent, outcome.doubtful, outcome.retry_after, bool(outcome.held_by))


def test_every_channel_has_a_harness() -> None:
    """A channel is not done before it passes what is asked here of all."""
    assert set(HARNESSES) == set(Channel)


@each_channel
@pytest.mark.parametrize("situation", list(Situation))
async def test_each_situation_means_the_same_for_every_channel(channel: Trial, situation: Situation) -> None:
    """Silence or a break is doubtful once the content was handed over, and never before; none of it is for good."""
    await channel.harness.meet(situation)
    patience = SHORT if situation in (Situation.SILENT_BEFORE, Situation.SILENT_AFTER) else _FOREVER
    outcome = await channel.send(patience=patience)
    expected, detail = EXPECTED[situation]
    assert seen(outcome) == expected
    assert outcome.detail.startswith(detail)
    assert outcome.detail
    assert ("the message may have been" in outcome.detail) is expected.doubtful


@each_row
async def test_each_row_of_the_retry_table(channel: Trial, row: Row) -> None:
    """What the other end answers decides whether it was sent, is tried again, and when, or never."""
    channel.harness.answer(row.answer)
    outcome = await channel.send()
    assert seen(outcome) == row.expected
    assert outcome.detail.startswith(row.detail)
    assert outcome.detail


@each_channel
async def test_what_is_sent_tells_where_it_went(channel: Trial) -> None:
    """The ledger shows it, and what the receiver answered."""
    outcome = await channel.send()
    assert (outcome.sent, outcome.address) == (True, channel.harness.told)
    assert re.search(r"\b2[0-9][0-9]\b", outcome.detail)


@each_channel
async def test_without_an_address_nothing_is_tried_twice(channel: Trial) -> None:
    """There is nobody to be told, now or later."""
    channel.harness.address = Address()
    outcome = await channel.send()
    assert seen(outcome) == Expected(permanent=True)
    assert channel.harness.keys() == []


@each_channel
@pytest.mark.parametrize("message_id", ["message-1", "incident 7/<olga>\r\nX: y. " * 9])
async def test_each_try_of_a_message_has_the_same_key(channel: Trial, message_id: str) -> None:
    """By it a receiver drops what it had; whatever else changed by the next try, and whatever an id may hold."""
    await channel.send(make_message(message_id=message_id))
    await channel.send(make_message(message_id=message_id, pages=(make_page(title="Renamed"),), incident_ids=()))
    await channel.send(make_message(message_id="message-2"))
    first, second, other = channel.harness.keys()
    assert first == second
    assert other != first


@each_channel
async def test_hostile_texts_do_nothing(channel: Trial) -> None:
    """Names and titles forge no header, run nothing and mention nobody."""
    fault = make_fault(account_name=HOSTILE, provider_email=HOSTILE, calendar_name=HOSTILE, calendar_id=HOSTILE)
    message = make_message(recipient_name=HOSTILE, pages=(make_page(title=HOSTILE),), faults=(fault,))
    assert (await channel.send(message)).sent
    channel.harness.check_harmless()


@each_channel
async def test_cancelling_ends_at_once(channel: Trial) -> None:
    """A shutdown is not held up, nor taken for an outcome."""
    await channel.harness.meet(Situation.SILENT_AFTER)
    sending = asyncio.create_task(channel.send())
    while not channel.harness.reached():
        await asyncio.wait([sending], timeout=0.01)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    channel.said.append("nothing")


@each_channel
async def test_a_hook_sends_one_message_after_another(channel: Trial) -> None:
    """Whatever it keeps from the one before."""
    hook = channel.harness.hook()
    first = await hook.send(make_message(message_id="message-1"), channel.harness.address)
    second = await hook.send(make_message(message_id="message-2"), channel.harness.address)
    channel.said += [first, second]
    assert (first.sent, second.sent) == (True, True)
