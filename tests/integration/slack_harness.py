"""Notifiers for the Slack of a sandbox that a test runs."""

from datetime import datetime, timedelta

import aiohttp

from calguard_sandbox import Sandbox
from calguard_sandbox.options import SLACK_TOKEN
from calguard_server.domain.account import SlackAddress
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.slack import SlackNotifier, SlackOptions
from tests.fakes.world import ManualClock

ANN = Address(email="ann@example.com")
SHORT = timedelta(milliseconds=800)
POST = "chat.postMessage"


class PassingClock(ManualClock):
    """Nobody has to wait their turn."""

    def now(self) -> datetime:
        self.advance(timedelta(seconds=1))
        return super().now()


def notifier(
    sandbox: Sandbox,
    session: aiohttp.ClientSession,
    *,
    token: str = SLACK_TOKEN,
    timeout: timedelta = timedelta(seconds=20),
    remembered_max: int = 100,
    clock: Clock | None = None,
    workspace_id: str = "default",
) -> SlackNotifier:
    """The notifier of a workspace; each time it looks at its clock, a second has passed, unless another is given."""
    options = SlackOptions(Secret(token), sandbox.slack_url, timeout, remembered_max, workspace_id)
    return SlackNotifier(options, session, clock or PassingClock())


def ops(sandbox: Sandbox) -> Address:
    channel = sandbox.slack.find_channel("ops")
    assert channel is not None
    return Address(slack=SlackAddress(channel_id=channel.id), email="ann@example.com")


def methods(sandbox: Sandbox) -> list[str]:
    return [request.endpoint for request in sandbox.slack_requests.records]
