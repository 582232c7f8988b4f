"""The people of the booking product."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Locale(StrEnum):
    """The languages of notices."""

    ENGLISH = "en"
    JAPANESE = "ja"


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
    """A person: owns pages, is a member of pages, has calendar links, is told when one breaks."""

    id: str
    display_name: str
    email: str
    locale: Locale
    slack: SlackAddress
    revision: int
    create_time: datetime
    update_time: datetime
