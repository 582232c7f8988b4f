"""The sandbox's Slack, through slack_sdk and by hand."""

from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from calguard_sandbox import Sandbox

ANN = "ann@example.com"
BLOCKS = [{"type": "section", "text": {"type": "mrkdwn", "text": "*hello*"}}]


@pytest.fixture
def slack(sandbox: Sandbox, http: aiohttp.ClientSession) -> AsyncWebClient:
    token = sandbox.server_environment()["CALGUARD_SLACK_BOT_TOKEN"]
    return AsyncWebClient(token=token, base_url=sandbox.slack_url, session=http, retry_handlers=[])


async def error_of(call: Awaitable[object]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


async def test_slack_sdk_posts_to_a_channel_and_updates(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    assert (await slack.auth_test())["team_id"] == sandbox.slack.team
    posted = await slack.chat_postMessage(channel="#ops", text="hello", blocks=BLOCKS)
    reply = await slack.chat_postMessage(channel=posted["channel"], text="more", thread_ts=posted["ts"])
    await slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="hello again")
    first, second, third = sandbox.slack.messages.records
    assert (first.channel_name, first.text, first.blocks, first.user_email) == ("ops", "hello", BLOCKS, None)
    assert (second.thread_ts, second.ts) == (posted["ts"], reply["ts"])
    assert (third.method, third.ts, third.text) == ("chat.update", posted["ts"], "hello again")
    assert posted["ts"] != reply["ts"]


async def test_slack_sdk_writes_to_a_person(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    user = (await slack.users_lookupByEmail(email=ANN))["user"]
    channel = (await slack.conversations_open(users=user["id"]))["channel"]["id"]
    assert channel.startswith("D")
    await slack.chat_postMessage(channel=channel, text="to you")
    await slack.chat_postMessage(channel=user["id"], text="to you, by id")
    assert [message.user_email for message in sandbox.slack.messages.records] == [ANN, ANN]
    assert {message.channel for message in sandbox.slack.messages.records} == {channel}


@pytest.mark.parametrize("method", ["json", "data"])
async def test_arguments_may_be_json_or_a_form(sandbox: Sandbox, http: aiohttp.ClientSession, method: str) -> None:
    body: Any = {"channel": "#ops", "text": "hello", "token": "xoxb-sandbox-bot-token"}
    async with http.post(f"{sandbox.slack_url}chat.postMessage", **{method: body}) as answer:
        assert (answer.status, (await answer.json())["ok"]) == (200, True)


@pytest.mark.parametrize(("body", "error"), [(b"{", "invalid_json"), (b"[]", "json_not_object")])
async def test_json_that_is_none_is_refused(
    sandbox: Sandbox, http: aiohttp.ClientSession, body: bytes, error: str
) -> None:
    headers = {"Content-Type": "application/json"}
    async with http.post(f"{sandbox.slack_url}chat.postMessage", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())) == (200, {"ok": False, "error": error})


async def test_tokens_are_checked(slack: AsyncWebClient, sandbox: Sandbox, http: aiohttp.ClientSession) -> None:
    async with http.post(f"{sandbox.slack_url}auth.test") as answer:
        assert (answer.status, await answer.json()) == (200, {"ok": False, "error": "not_authed"})
    sandbox.slack.put_token(scopes=("users:read",))
    with pytest.raises(SlackApiError) as refused:
        await slack.chat_postMessage(channel="#ops", text="x")
    assert refused.value.response["needed"] == "chat:write"
    for error in ("token_revoked", "token_expired", "account_inactive", "invalid_auth"):
        sandbox.slack.kill_token(error=error)
        assert await error_of(slack.auth_test()) == error
    sandbox.slack.put_token()
    assert (await slack.auth_test())["ok"]
    slack.token = "xoxb-unknown"
    assert await error_of(slack.auth_test()) == "invalid_auth"


async def test_destinations_refuse_as_slack_does(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    state = sandbox.slack
    assert await error_of(slack.chat_postMessage(channel="#nowhere", text="x")) == "channel_not_found"
    for change, error in (
        ({"archived": True}, "is_archived"),
        ({"archived": False, "member": False}, "not_in_channel"),
        ({"member": True, "restricted": True}, "restricted_action"),
    ):
        state.set_channel("#ops", **change)
        assert await error_of(slack.chat_postMessage(channel="#ops", text="x")) == error
    state.set_channel("ops", restricted=False)
    assert (await slack.chat_postMessage(channel="#ops", text="x"))["ok"]


async def test_people_can_be_out_of_reach(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    user_id = sandbox.slack.user(ANN).id
    assert await error_of(slack.users_lookupByEmail(email="nobody@example.com")) == "users_not_found"
    assert await error_of(slack.conversations_open(users="U0NOBODY")) == "user_not_found"
    sandbox.slack.set_user(ANN, messages_tab=False)
    assert await error_of(slack.chat_postMessage(channel=user_id, text="x")) == "messages_tab_disabled"
    sandbox.slack.set_user(ANN, deactivated=True, messages_tab=True)
    assert await error_of(slack.users_lookupByEmail(email=ANN)) == "users_not_found"
    assert await error_of(slack.conversations_open(users=user_id)) == "user_disabled"
    assert await error_of(slack.chat_postMessage(channel=user_id, text="x")) == "channel_not_found"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": '{"type": "section"}'}, "invalid_blocks_format"),
        ({"text": "x", "blocks": '["section"]'}, "invalid_blocks"),
        ({"text": "x", "blocks": '[{"text": "no type"}]'}, "invalid_blocks"),
    ],
)
async def test_a_message_needs_text_or_blocks_that_are_well_formed(
    slack: AsyncWebClient, sandbox: Sandbox, arguments: dict[str, str], error: str
) -> None:
    assert await error_of(slack.api_call("chat.postMessage", data={"channel": "#ops", **arguments})) == error
    assert sandbox.slack.messages.records == []


async def test_unknown_methods_and_messages_are_named(slack: AsyncWebClient) -> None:
    assert await error_of(slack.api_call("chat.whisper")) == "unknown_method"
    assert await error_of(slack.chat_update(channel="#ops", ts="1.000001", text="x")) == "message_not_found"


async def test_slack_sdk_sees_a_rate_limit_and_faults_by_person_and_channel(
    slack: AsyncWebClient, sandbox: Sandbox
) -> None:
    sandbox.fault("slack/ratelimited", endpoint="chat.postMessage", channel="#ops", times=1)
    with pytest.raises(SlackApiError) as refused:
        await slack.chat_postMessage(channel=sandbox.slack.channel("ops").id, text="x")
    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "30")
    sandbox.fault("slack/fatal_error", user=ANN)
    assert (await slack.chat_postMessage(channel="#ops", text="x"))["ok"]
    assert await error_of(slack.users_lookupByEmail(email=ANN)) == "fatal_error"
    user_id = sandbox.slack.user(ANN).id
    assert await error_of(slack.chat_postMessage(channel=user_id, text="x")) == "fatal_error"


async def test_ids_are_the_same_after_a_reset(sandbox: Sandbox) -> None:
    before = (sandbox.slack.channel("ops").id, sandbox.slack.user(ANN).id, sandbox.google.user(ANN).sub)
    sandbox.reset()
    assert before == (sandbox.slack.channel("ops").id, sandbox.slack.user(ANN).id, sandbox.google.user(ANN).sub)
