"""Everybody's mailbox and Slack, read through the sandbox's control API."""

import asyncio
from typing import Any

from demo.control import Control
from demo.message import Message, from_mail, from_slack

WAIT_SECONDS = 20
QUIET_SECONDS = 1

Numbered = dict[str, Any]


class Inbox:
    """What has been received, in the order of arrival; each message is taken once."""

    def __init__(self, control: Control) -> None:
        self.taken: list[Message] = []
        self._control = control
        self._mail = 0
        self._slack = 0

    async def waiting(self) -> int:
        """Answer how many messages have come and are not taken."""
        mails, posts = await self._look(1, 1, 0)
        return len(mails) + len(posts)

    async def take(self, count: int) -> list[Message]:
        """Take so many e-mails and so many Slack messages, or what has come when the time is up."""
        return self._taken(*await self._look(count, count, WAIT_SECONDS))

    async def take_unexpected(self) -> list[Message]:
        """Take what comes though nothing is owed."""
        return self._taken(*await self._look(1, 1, QUIET_SECONDS))

    async def _look(self, mails: int, posts: int, seconds: int) -> tuple[list[Numbered], list[Numbered]]:
        return await asyncio.gather(
            self._control.received("/mail", after=self._mail, count=mails, wait_seconds=seconds),
            self._control.received("/slack/messages", after=self._slack, count=posts, wait_seconds=seconds),
        )

    def _taken(self, mails: list[Numbered], posts: list[Numbered]) -> list[Message]:
        self._mail = max([self._mail, *(each["number"] for each in mails)])
        self._slack = max([self._slack, *(each["number"] for each in posts)])
        messages = [*map(from_mail, mails), *map(from_slack, posts)]
        self.taken += messages
        return messages
