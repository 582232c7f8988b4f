"""Notifiers for the Slack of a sandbox that a test runs."""

from datetime import timedelta

import aiohttp

from calguard_sandbox import Sandbox
from calguard_sandbox.options import SLACK_TOKEN
from calguard_server.domain.account import SlackAddress
from calguard_server.domain.secret import Secret
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.slack import SlackNotifier, SlackOptions

ANN = Address(email="ann@example.com")
SHORT = timedelta(milliseconds=800)
POST = "chat.postMessage"


def notifier(
    sandbox: Sandbox,
    session: aiohttp.ClientSession,
    *,
    token: str = SLACK_TOKEN,
    timeout: timedelta = timedelta(seconds=20),
    remembered_max: int = 100,
) -> SlackNotifier:
    return SlackNotifier(SlackOptions(Secret(token), sandbox.slack_url, timeout, remembered_max), session)


def ops(sandbox: Sandbox) -> Address:
    channel = sandbox.slack.find_channel("ops")
    assert channel is not None
    return Address(slack=SlackAddress(channel_id=channel.id), email="ann@example.com")


def methods(sandbox: Sandbox) -> list[str]:
    return [request.endpoint for request in sandbox.slack_requests.records]
