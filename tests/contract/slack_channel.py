"""Slack, before the sandbox's Web API: the hook of all workspaces, over a real store."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Self

import aiohttp

from calguard_sandbox import Sandbox, SandboxOptions
from calguard_server.domain.notices import Channel
from calguard_server.domain.secret import Secret
from calguard_server.engine.slack_workspaces import SlackWorkspaces
from calguard_server.notifiers.message import Address
from calguard_server.notifiers.slack import SlackNotifier, SlackOptions
from calguard_server.notifiers.slack_answers import DESTINATION_WRONG, NOBODY_THERE, WORKSPACE_BROKEN
from calguard_server.notifiers.slack_verifier import SlackTokenVerifier
from calguard_server.workers.slack_dispatch import LOOK_AGAIN, SlackDispatch
from tests.contract.channel_harness import (
    AGAIN,
    DOUBTFUL,
    PATIENCE,
    REFUSED,
    ChannelHarness,
    Expected,
    Row,
    Situation,
)
from tests.fakes.https_receiver import HttpsReceiver, https_receiver
from tests.fakes.service import running_service
from tests.integration.slack_harness import PassingClock

TOKEN = "xoxb-canary-token"
LOOK_UP, OPEN, POST = CALLS = ("users.lookupByEmail", "conversations.open", "chat.postMessage")
_HELD = Expected(held=True, retry_after=LOOK_AGAIN)
_PASSING = {
    "slack/internal_error": "slack internal_error, HTTP 200",
    "slack/fatal_error": "slack fatal_error, HTTP 200",
    "slack/500": "slack internal_error, HTTP 500",
    "slack/503_html": "slack unreadable_answer, HTTP 503",
    "slack/200_html": "slack unreadable_answer, HTTP 200",
    "slack/unheard_of": "slack some_error_of_tomorrow, HTTP 200",
}
_NETWORK = {
    Situation.SILENT_BEFORE: ("network/hang", LOOK_UP),
    Situation.LOST_BEFORE: ("network/drop", OPEN),
    Situation.SILENT_AFTER: ("network/hang_after", POST),
    Situation.LOST_AFTER: ("network/drop_after", POST),
    Situation.GARBAGE_AFTER: ("network/garbage", POST),
}
_NO_ANSWERS = ("[]", '"ok"', "null", "{}", '{"ok": true}', '{"ok": true, "user": []}', "{tru")
_NO_WAITS = ("", "soon", "-1", "9" * 30)


def _rows() -> list[Row]:
    broken = [(f"slack/{error}", _HELD, f"SLACK_WORKSPACE_BROKEN: default: {error}") for error in WORKSPACE_BROKEN]
    final = [(f"slack/{each}", REFUSED, f"slack {each}, HTTP 200") for each in DESTINATION_WRONG | NOBODY_THERE]
    passing = [(fault, AGAIN, detail) for fault, detail in _PASSING.items()]
    limited = ("slack/ratelimited", Expected(retry_after=timedelta(seconds=30)), "slack ratelimited, HTTP 429")
    return [
        Row(f"{fault} {call}", (fault, call), expected, detail)
        for fault, expected, detail in (*sorted(broken), *sorted(final), *passing, limited)
        for call in CALLS
    ]


def _raw_rows() -> list[Row]:
    """Answers that are none, and waits that are none: nothing of it raises."""
    no_answers = [
        Row(f"{body} {kind}", {"status": 200, "headers": {"Content-Type": kind}, "body": body}, AGAIN, "")
        for body in _NO_ANSWERS
        for kind in ("application/json", "text/plain", "text/html")
    ]
    no_waits = [
        Row(f"to wait {asked!r}", {"status": 429, "headers": {"Retry-After": asked}, "body": "{not"}, AGAIN, "slack ")
        for asked in _NO_WAITS
    ]
    return no_answers + no_waits


class SlackHarness(ChannelHarness):
    channel = Channel.SLACK
    secrets = (TOKEN,)
    rows = (
        *_rows(),
        *_raw_rows(),
        Row("network/drop", ("network/drop", POST), DOUBTFUL, "CONNECTION_LOST: "),
        Row("no such token", "no such token", _HELD, "SLACK_WORKSPACE_BROKEN: default: invalid_auth"),
    )
    address = Address(email="ann@example.com")

    def __init__(
        self, sandbox: Sandbox, workspaces: SlackWorkspaces, session: aiohttp.ClientSession, stranger: HttpsReceiver
    ) -> None:
        self.sandbox = sandbox
        self.told = sandbox.slack.direct_channel(sandbox.slack.user("ann@example.com")).id
        self._workspaces = workspaces
        self._session = session
        self._stranger = stranger
        self._base_url = sandbox.slack_url

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path) -> AsyncIterator[Self]:
        async with AsyncExitStack() as stack:
            sandbox = await stack.enter_async_context(Sandbox(SandboxOptions(seed="test")))
            sandbox.slack.put_token(TOKEN)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            service = await stack.enter_async_context(running_service(folder / "db"))
            verifier = SlackTokenVerifier(sandbox.slack_url, session)
            workspaces = SlackWorkspaces(service.context, service.alerts, verifier, Secret(TOKEN))
            await workspaces.load()
            yield cls(sandbox, workspaces, session, await stack.enter_async_context(https_receiver()))

    def hook(self, timeout: timedelta = PATIENCE) -> SlackDispatch:
        def make(workspace_id: str, token: Secret) -> SlackNotifier:
            options = SlackOptions(token, self._base_url, timeout, workspace_id=workspace_id)
            return SlackNotifier(options, self._session, PassingClock())

        return SlackDispatch(self._workspaces, make, email=None)

    async def meet(self, situation: Situation) -> None:
        if situation is Situation.NOBODY_LISTENS:
            await self.sandbox.set_listening("slack", up=False)
        elif situation is Situation.NOT_TRUSTED:
            self._base_url = f"https://127.0.0.1:{self._stranger.port}/api/"
        elif situation in _NETWORK:
            self.answer(_NETWORK[situation])

    def answer(self, answer: object) -> None:
        match answer:
            case (str(fault), str(endpoint)):
                self.sandbox.fault(fault, surface="slack", endpoint=endpoint)
            case dict(raw):
                self.sandbox.fault(raw, surface="slack")
            case _:
                del self.sandbox.slack.tokens[TOKEN]

    def reached(self) -> bool:
        return any(rule.struck for rule in self.sandbox.faults.rules)

    def keys(self) -> list[str]:
        return [str(post.metadata["event_payload"]["message_id"]) for post in self.sandbox.slack.messages.records]

    def check_harmless(self) -> None:
        [post] = self.sandbox.slack.messages.records
        assert post.user_email == self.address.email
        sent = json.dumps([post.text, post.blocks], ensure_ascii=False)
        for live in ("<!channel>", "<script>", "<https://evil", "*bold", "bold*"):
            assert live not in sent
        assert set(post.metadata) == {"event_type", "event_payload"}
