"""The people of the booking product."""

import re
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from calguard_server.domain.webhook import Webhook


class Locale(StrEnum):
    """The languages of notices."""

    ENGLISH = "en"
    JAPANESE = "ja"


class Channel(StrEnum):
    """By which way somebody is told."""

    EMAIL = "EMAIL"
    SLACK = "SLACK"
    WEBHOOK = "WEBHOOK"


class LinkAlerts(StrEnum):
    """Which failures of a link its account is told of; the names are part of the contract."""

    PAGE_RULES = "PAGE_RULES"
    ALWAYS = "ALWAYS"


_SLACK_ID = re.compile(r"[A-Z0-9]{1,63}")


def is_slack_id(text: str) -> bool:
    """Whether a text looks like an id of a person or a channel that Slack made, and not like a name."""
    return _SLACK_ID.fullmatch(text) is not None


class SlackAddress(Struct, frozen=True):
    """Where Slack messages go; empty parts are not set. `channel_id` goes before `user_id`."""

    workspace_id: str = ""
    user_id: str = ""
    channel_id: str = ""

    @property
    def reaches_somebody(self) -> bool:
        """Whether it names a person or a channel; a workspace alone does not."""
        return bool(self.user_id or self.channel_id)


class Account(Struct, frozen=True, kw_only=True):
    """A person: owns pages, is a member of pages, has calendar links, is told when one breaks.

    `channels` are those by which the person may be told; empty: all of them.
    """

    id: str
    display_name: str
    email: str
    locale: Locale
    slack: SlackAddress
    revision: int
    create_time: datetime
    update_time: datetime
    channels: tuple[Channel, ...] = ()
    link_alerts: LinkAlerts = LinkAlerts.PAGE_RULES
    webhook: Webhook = Webhook()

    def may_be_told_by(self, channel: Channel) -> bool:
        """Whether the person wants to be told by a channel."""
        return not self.channels or channel in self.channels
