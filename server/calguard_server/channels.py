"""Every channel in one row: what sets it up, whether it tells the operator, and its hook."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import assert_never

import aiohttp
import structlog

from calguard_server.domain.notices import Channel
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.store import Store
from calguard_server.engine.slack_workspaces import SlackWorkspaces
from calguard_server.notifiers.email import EmailNotifier
from calguard_server.notifiers.hook import NotifierHook
from calguard_server.notifiers.slack import SlackNotifier, SlackOptions
from calguard_server.notifiers.smtp_options import SmtpOptions
from calguard_server.notifiers.webhook import WebhookNotifier
from calguard_server.notifiers.webhook_session import SessionOptions, open_session
from calguard_server.settings.server import Settings
from calguard_server.workers.slack_dispatch import SlackDispatch
from calguard_server.workers.slack_marker import SlackMarker

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What hooks are made of. The session is closed by whoever made it; `closers` close what a hook opens itself.

    `workers` is filled by the hooks with what is to run beside them.
    """

    settings: Settings
    clock: Clock
    session: aiohttp.ClientSession
    store: Store
    slack_workspaces: SlackWorkspaces
    closers: list[Callable[[], Awaitable[object]]]
    workers: dict[str, Callable[[], Coroutine[object, object, None]]] = field(default_factory=dict)


Made = Mapping[Channel, NotifierHook]
"""The hooks of the channels before, in their order."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A channel: whether the settings set it up, whether they name the operator's address, and how its hook is made.

    A hook of None: what is to go by the channel is DEAD.
    """

    set_up: bool
    tells_operator: bool
    make: Callable[[Parts, Made], NotifierHook | None]


def _row(channel: Channel, settings: Settings) -> _Row:
    match channel:
        case Channel.EMAIL:
            return _Row(bool(settings.smtp_url.get_secret_value()), bool(settings.operator_email), _email)
        case Channel.SLACK:
            token = settings.slack_bot_token.get_secret_value()
            return _Row(bool(token), bool(settings.operator_slack_channel), _slack)
        case Channel.WEBHOOK:
            return _Row(set_up=True, tells_operator=False, make=_webhook)
        case _:
            assert_never(channel)


def served_channels(settings: Settings) -> frozenset[Channel]:
    """Name the channels that the settings set up; the log has the others."""
    set_up = {channel: _row(channel, settings).set_up for channel in Channel}
    for channel, is_set_up in set_up.items():
        if not is_set_up:
            _log.warning("this channel is not set up by the settings", channel=channel.value)
    return frozenset(channel for channel, is_set_up in set_up.items() if is_set_up)


def operator_channels(settings: Settings) -> frozenset[Channel]:
    """Name the channels by which the operator is alerted."""
    return frozenset(channel for channel in Channel if _row(channel, settings).tells_operator)


def hooks_of(parts: Parts) -> dict[Channel, NotifierHook]:
    """Make the hook of each channel that has one."""
    made: dict[Channel, NotifierHook] = {}
    for channel in Channel:
        if (hook := _row(channel, parts.settings).make(parts, made)) is not None:
            made[channel] = hook
    return made


def _email(parts: Parts, _made: Made) -> NotifierHook | None:
    smtp_url = parts.settings.smtp_url.get_secret_value()
    if not smtp_url:
        return None
    email = EmailNotifier(SmtpOptions.parse(smtp_url), parts.settings.email_from, parts.clock)
    parts.closers.append(email.close)  # after the workers, which end what is on its way
    parts.workers["mail connections"] = email.run
    return email


def _slack(parts: Parts, made: Made) -> NotifierHook:
    """Make the hook of all workspaces: those of PutSlackWorkspace are there without a setting."""

    def make(workspace_id: str, token: Secret) -> SlackNotifier:
        options = SlackOptions(token=token, base_url=parts.settings.slack_base_url, workspace_id=workspace_id)
        return SlackNotifier(options, parts.session, parts.clock)

    slack = SlackDispatch(parts.slack_workspaces, make, email=made.get(Channel.EMAIL))
    parts.workers["slack marker"] = SlackMarker(parts.store, slack.mark_over, parts.clock).run
    return slack


def _webhook(parts: Parts, _made: Made) -> NotifierHook:
    settings = parts.settings
    session = open_session(SessionOptions(settings.webhook_allow_private_addresses, settings.webhook_ca_file))
    parts.closers.append(session.close)
    return WebhookNotifier(session, parts.clock)
