"""The settings of what notices say, when they are sent, and where the operator's go."""

import re
from datetime import timedelta
from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, field_validator
from pydantic_settings import NoDecode

from calguard_server.domain.account import is_slack_id
from calguard_server.domain.follow_up import REMINDERS
from calguard_server.settings.addresses import Mailbox, Url
from calguard_server.settings.durations import Duration, WaitDuration
from calguard_server.store_settings import split_list

_REMINDERS_MAX = 20
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
_GROUP_WAIT_MAX = timedelta(hours=1)


def _check_ascending(durations: tuple[timedelta, ...]) -> tuple[timedelta, ...]:
    if any(later <= earlier for earlier, later in pairwise(durations)):
        raise ValueError("expected durations that grow, such as 1d,3d,7d")
    if len(durations) > _REMINDERS_MAX:
        raise ValueError(f"expected at most {_REMINDERS_MAX} durations")
    return durations


Reminders = Annotated[tuple[Duration, ...], NoDecode, BeforeValidator(split_list), AfterValidator(_check_ascending)]


class LinkBackSettings(BaseModel):
    """Where notices, and the callback page, send people."""

    relink_url: Url = Field(
        "http://localhost:3000/calendar-links/{calendar_link_id}/reconnect",
        description="The address in notices, and on the callback page, at which a person reconnects a calendar; "
        "`{calendar_link_id}` and `{account_id}` are filled in.",
    )
    support_url: Url = Field(
        "http://localhost:3000/support", description="The support (chat) address in notices and on the callback page."
    )

    @field_validator("relink_url")
    @classmethod
    def _check_relink_url(cls, template: str) -> str:
        unknown = set(_PLACEHOLDER.findall(template)) - {"{calendar_link_id}", "{account_id}"}
        if unknown:
            raise ValueError(
                f"expected no other placeholder than {{calendar_link_id}} and {{account_id}}: {min(unknown)}"
            )
        return template


class NoticeSettings(BaseModel):
    """When notices are sent, and where alerts for the operator go."""

    notice_group_wait: WaitDuration = Field(
        timedelta(seconds=5), description="How long a notice waits for others to the same recipient."
    )
    reminders: Reminders = Field(
        REMINDERS,
        description="How long after a page stopped its owner and the accounts at fault are reminded that it still is. "
        "Empty: never. Incidents that are open keep the time of the next one.",
    )
    operator_email: Mailbox = Field("", description="Where alerts for the operator go by e-mail. Empty: nowhere.")
    operator_slack_channel: str = Field(
        "", description="The id of the Slack channel where alerts for the operator go. Empty: nowhere."
    )

    @field_validator("notice_group_wait")
    @classmethod
    def _check_group_wait(cls, wait: timedelta) -> timedelta:
        if wait > _GROUP_WAIT_MAX:
            raise ValueError("expected at most 1h: a notice is given up after 24h")
        return wait

    @field_validator("operator_slack_channel")
    @classmethod
    def _check_operator_channel(cls, channel: str) -> str:
        if channel and not is_slack_id(channel):
            raise ValueError("expected a channel's id as Slack makes them, such as C024BE91L, and no name")
        return channel
