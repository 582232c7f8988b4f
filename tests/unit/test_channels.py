"""By which channels an account is told."""

import pytest

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.notices import Channel, channels_of
from calguard_server.domain.webhook import Webhook
from tests.unit.builders import make_account

NO_SLACK = SlackAddress()
WORKSPACE_ONLY = SlackAddress(workspace_id="T1")
USER = SlackAddress(user_id="U1")
CHANNEL = SlackAddress(channel_id="C1")
EVERY_CHANNEL = frozenset(Channel)


@pytest.mark.parametrize(
    ("email", "slack", "page_slack", "expected"),
    [
        ("ann@example.com", USER, NO_SLACK, ["EMAIL", "SLACK"]),
        ("ann@example.com", NO_SLACK, NO_SLACK, ["EMAIL", "SLACK"]),
        ("", USER, NO_SLACK, ["SLACK"]),
        ("", CHANNEL, NO_SLACK, ["SLACK"]),
        ("", NO_SLACK, CHANNEL, ["SLACK"]),
        ("", NO_SLACK, USER, ["SLACK"]),
        ("", NO_SLACK, NO_SLACK, []),
        ("", WORKSPACE_ONLY, WORKSPACE_ONLY, []),
    ],
)
def test_told_by_all_ways_known(email: str, slack: SlackAddress, page_slack: SlackAddress, expected: list[str]) -> None:
    """E-mail and Slack both, where an address is known; an e-mail address is enough to look a person up in Slack."""
    account = make_account(email=email, slack=slack)
    assert [channel.value for channel in channels_of(account, page_slack, EVERY_CHANNEL)] == expected


@pytest.mark.parametrize(
    ("email", "slack", "page_slack", "expected"),
    [
        ("ann@example.com", NO_SLACK, NO_SLACK, []),
        ("ann@example.com", USER, NO_SLACK, []),
        ("ann@example.com", SlackAddress(workspace_id="default"), NO_SLACK, []),
        ("ann@example.com", WORKSPACE_ONLY, NO_SLACK, ["SLACK"]),
        ("", SlackAddress(workspace_id="T1", user_id="U1"), NO_SLACK, ["SLACK"]),
        ("", NO_SLACK, SlackAddress(workspace_id="T1", channel_id="C1"), ["SLACK"]),
        ("", SlackAddress(workspace_id="T1", user_id="U1"), CHANNEL, []),
        ("", WORKSPACE_ONLY, NO_SLACK, []),
    ],
)
def test_a_workspace_of_its_own_serves_itself(
    email: str, slack: SlackAddress, page_slack: SlackAddress, expected: list[str]
) -> None:
    """Where the setting's workspace is not set up, whoever's address names another one is told there."""
    account = make_account(email=email, slack=slack)
    assert [channel.value for channel in channels_of(account, page_slack, frozenset())] == expected


@pytest.mark.parametrize("served", [[], [Channel.EMAIL], [Channel.SLACK], [Channel.EMAIL, Channel.SLACK]])
def test_only_what_the_server_serves(served: list[Channel]) -> None:
    """A channel that this server was not set up for owes nothing to anybody."""
    assert list(channels_of(make_account(), USER, frozenset(served))) == served


@pytest.mark.parametrize("wanted", [[Channel.EMAIL], [Channel.SLACK], [Channel.EMAIL, Channel.SLACK]])
def test_only_what_the_account_wants(wanted: list[Channel]) -> None:
    """Channels that are not among those chosen are not used, whatever address is known, the page's included."""
    account = make_account(channels=tuple(wanted))
    assert list(channels_of(account, CHANNEL, EVERY_CHANNEL)) == wanted


def test_what_is_wanted_and_cannot_be_used_is_nothing() -> None:
    """Slack alone is wanted, and the server has none."""
    assert channels_of(make_account(channels=(Channel.SLACK,)), USER, frozenset({Channel.EMAIL})) == ()


def test_a_webhook_is_told_of_wherever_there_is_one() -> None:
    """It needs no other address, and no other address stands in for it."""
    webhook = Webhook("https://hooks.example/", 1)
    assert channels_of(make_account(email="", webhook=webhook), NO_SLACK, EVERY_CHANNEL) == (Channel.WEBHOOK,)
    assert channels_of(make_account(webhook=webhook), NO_SLACK, EVERY_CHANNEL) == tuple(Channel)
    assert Channel.WEBHOOK not in channels_of(make_account(webhook=Webhook("", 1)), NO_SLACK, EVERY_CHANNEL)
    assert channels_of(make_account(webhook=webhook), NO_SLACK, frozenset({Channel.EMAIL})) == (Channel.EMAIL,)
