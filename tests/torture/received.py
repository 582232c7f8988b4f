"""What people have received: every message of both channels, as the mail server and Slack took it."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from calguard_sandbox import Sandbox
from calguard_sandbox.slack.state import SlackMessage
from calguard_sandbox.smtp.state import ReceivedMail

_KINDS = {
    "Booking page stopped": "PAGE_STOPPED",
    "Another calendar fails": "MEMBER_FAULTY",
    "Accepting bookings again": "PAGE_RESTARTED",
    "Your calendar cannot be read": "LINK_FAILED",
    "Your calendar can be read again": "LINK_RECOVERED",
    "Operator alert": "OPERATOR_ALERT",
}
_PAGE = re.compile(r"Page ((?:all|any|auto)-\d+)")
_SECONDS = 30


@dataclass(frozen=True)
class Received:
    """One message. `recipient` is empty for the operator; `message_id` is the Message-ID's, of e-mail to people."""

    time: datetime
    channel: str
    recipient: str
    kind: str
    pages: frozenset[str]
    message_id: str


class Receivers:
    """Takes down what comes, for as long as `follow` runs: the sandbox itself forgets what is old."""

    def __init__(self, sandbox: Sandbox, observe: Callable[[], None]) -> None:
        self.received: list[Received] = []
        self._sandbox = sandbox
        self._observe = observe

    async def follow(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_mail())
            group.create_task(self._follow_slack())

    async def _follow_mail(self) -> None:
        last = 0
        while True:
            for entry in await self._sandbox.mail.received.wait(after=last, seconds=_SECONDS):
                last = entry.number
                self.received.append(_mail(entry.record))
                self._observe()

    async def _follow_slack(self) -> None:
        last = 0
        while True:
            for entry in await self._sandbox.slack.messages.wait(after=last, seconds=_SECONDS):
                last = entry.number
                self.received.append(_post(entry.record))
                self._observe()


def _mail(mail: ReceivedMail) -> Received:
    [address] = mail.recipients
    kind = _KINDS[mail.subject.partition(":")[0]]
    message_id = mail.message_id.strip("<>").partition("@")[0]
    if kind == "OPERATOR_ALERT":
        return Received(mail.time, "EMAIL", "", kind, frozenset(), "")
    recipient = address.removesuffix("@example.com")
    return Received(mail.time, "EMAIL", recipient, kind, frozenset(_PAGE.findall(mail.text)), message_id)


def _post(post: SlackMessage) -> Received:
    kind = _KINDS[post.text.splitlines()[0].partition(":")[0]]
    recipient = (post.user_email or "").removesuffix("@example.com")
    return Received(post.time, "SLACK", recipient, kind, frozenset(_PAGE.findall(str(post.blocks))), "")
