"""Webhooks, before an https receiver whose certificate is trusted, on an address that is allowed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self

from calguard_server.domain.notices import Channel
from calguard_server.domain.secret import Secret
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.webhook import WebhookNotifier
from calguard_server.notifiers.webhook_session import SessionOptions, open_session
from tests.contract.channel_harness import (
    AGAIN,
    DOUBTFUL,
    PATIENCE,
    REFUSED,
    SENT,
    ChannelHarness,
    Expected,
    Row,
    Situation,
)
from tests.fakes.https_receiver import HOST, Answer, HttpsReceiver, Manner, certificate_file, https_receiver
from tests.fakes.world import START, ManualClock

SECRET = "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LW9mLWFubg=="
DAY = timedelta(days=1)
_HEADERS = {
    "host", "content-type", "user-agent", "webhook-id", "webhook-timestamp", "webhook-signature",
    "accept", "accept-encoding", "content-length", "connection",
}  # fmt: skip
_MANNERS = {
    Situation.SILENT_BEFORE: Manner.SILENT_AT_CONNECT,
    Situation.LOST_BEFORE: Manner.DROP_AT_CONNECT,
    Situation.SILENT_AFTER: Manner.SILENT,
    Situation.LOST_AFTER: Manner.DROP,
    Situation.GARBAGE_AFTER: Manner.GARBAGE,
}
_PASSING = (408, 425, 429, 500, 502, 503, 504, 599)
_FINAL = (300, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 405, 409, 410, 413, 418, 422, 451, 499, 600, 999)


def _waiting(status: int, asked: str, seconds: float | None) -> Row:
    expected = AGAIN if seconds is None else Expected(retry_after=timedelta(seconds=seconds))
    return Row(f"{status}, to wait {asked!r}", Answer(status, (f"Retry-After: {asked}",)), expected, f"HTTP {status}")


class WebhookHarness(ChannelHarness):
    channel = Channel.WEBHOOK
    secrets = (SECRET, SECRET.removeprefix("whsec_"), "in-the-query")
    rows = (
        *(Row(str(status), Answer(status), SENT, f"HTTP {status}") for status in (200, 201, 202, 204, 299)),
        *(Row(str(status), Answer(status), AGAIN, f"HTTP {status}") for status in _PASSING),
        *(Row(str(status), Answer(status, ("Location: /on",)), REFUSED, f"HTTP {status}") for status in _FINAL),
        _waiting(429, "30", 30),
        _waiting(503, "120", 120),
        _waiting(503, "Mon, 02 Mar 2026 09:01:30 GMT", 90),
        _waiting(429, "9" * 30, DAY.total_seconds()),
        _waiting(429, "soon", None),
        _waiting(429, "-1", None),
        Row("410, to wait", Answer(410, ("Retry-After: 30",)), REFUSED, "HTTP 410"),
        Row("headers without end", Manner.ENDLESS_HEADERS, DOUBTFUL, "UNREADABLE_ANSWER: "),
        Row("a body without end", Manner.ENDLESS_BODY, SENT, "HTTP 200"),
        Row("an answer cut short", Manner.CUT_SHORT, DOUBTFUL, "CONNECTION_LOST: "),
        Row("private", "private", REFUSED, "ADDRESS_REFUSED: "),
    )

    def __init__(self, receiver: HttpsReceiver, folder: Path) -> None:
        self.receiver = receiver
        self.address = Address(webhook_url=receiver.url, webhook_secret=Secret(SECRET))
        self.told = receiver.url.partition("?")[0]
        self._options = SessionOptions(allow_private=True, ca_file=str(certificate_file(folder)))
        self._sessions = [open_session(self._options)]

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Self]:
        async with https_receiver() as receiver:
            harness = cls(receiver, folder)
            try:
                yield harness
            finally:
                for session in harness._sessions:
                    await session.close()

    def _open(self, options: SessionOptions) -> None:
        self._sessions.append(open_session(options))

    def hook(self, timeout: timedelta = PATIENCE) -> WebhookNotifier:
        return WebhookNotifier(self._sessions[-1], ManualClock(START), timeout=timeout)

    async def meet(self, situation: Situation) -> None:
        if situation is Situation.NOBODY_LISTENS:
            await self.receiver.close()
        elif situation is Situation.NOT_TRUSTED:
            self._open(SessionOptions(allow_private=True))
        elif situation in _MANNERS:
            self.receiver.behaviour = _MANNERS[situation]

    def answer(self, answer: object) -> None:
        match answer:
            case Answer() | Manner():
                self.receiver.behaviour = answer
            case _:
                self._open(SessionOptions(ca_file=self._options.ca_file))

    def reached(self) -> bool:
        return bool(self.receiver.received)

    def keys(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.receiver.received]

    def check_harmless(self) -> None:
        [request] = self.receiver.received
        assert request.line == "POST /notices?token=in-the-query HTTP/1.1"
        assert request.headers.keys() == _HEADERS
        assert request.headers["host"] == f"{HOST}:{self.receiver.port}"
        said = json.loads(request.body)["data"]
        shown = [said["booking_pages"][0]["title"], said["faults"][0]["account_name"], said["subject"]]
        assert all(text.isprintable() and "\u202e" not in text for text in shown)
