"""The sandbox's Slack, through slack_sdk and by hand."""

import json
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from calguard_sandbox import Sandbox
from calguard_sandbox.errors import BadFieldError, NotKnownError
from tests.contract.google_client import MovingClock

ANN = "ann@example.com"


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def button(**changes: object) -> dict[str, object]:
    return {"type": "button", "text": plain("Open"), "url": "https://example.com"} | changes


BAD_BLOCKS: list[list[dict[str, object]]] = [
    [{"type": "divider"}] * 51,
    [{"type": "header", "text": plain("x" * 151)}],
    [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
    [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}],
    [{"type": "section", "text": plain("")}],
    [{"type": "actions", "elements": []}],
    [{"type": "actions", "elements": [button()] * 26}],
    [{"type": "actions", "elements": [button(text=plain("x" * 76))]}],
    [{"type": "actions", "elements": [button(url=f"https://example.com/{'x' * 3000}")]}],
    [{"type": "actions", "elements": [button(url="javascript:alert(1)")]}],
    [{"type": "context", "elements": [plain("x")] * 11}],
]
"""Past each of the limits that Slack documents."""
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
    first, second = sandbox.slack.messages.records
    [third] = sandbox.slack.updates.records
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
        *(({"text": "x", "blocks": json.dumps(blocks)}, "invalid_blocks") for blocks in BAD_BLOCKS),
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


async def test_buttons_that_open_addresses_are_taken(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    blocks = [{"type": "actions", "elements": [button(), button(text=plain("x" * 75))]}]
    assert (await slack.chat_postMessage(channel="#ops", text="x", blocks=blocks))["ok"]
    assert sandbox.slack.messages.records[0].blocks == blocks


async def test_a_token_is_good_in_its_own_workspace(
    slack: AsyncWebClient, sandbox: Sandbox, http: aiohttp.ClientSession
) -> None:
    """Each workspace has channels and people of its own, whatever their names; what a token permits is told."""
    other = sandbox.slack_workspaces.add("T0OTHER", "xoxb-other", "Other")
    client = AsyncWebClient(token="xoxb-other", base_url=sandbox.slack_url, session=http, retry_handlers=[])
    known = await client.auth_test()
    assert (known["team_id"], known["team"]) == ("T0OTHER", "Other")
    assert known.headers["x-oauth-scopes"] == "chat:write,im:write,users:read,users:read.email"
    assert (await slack.auth_test())["team_id"] == sandbox.slack.team
    assert other.channel("ops").id != sandbox.slack.channel("ops").id
    assert await error_of(client.chat_postMessage(channel=sandbox.slack.channel("ops").id, text="x")) == (
        "channel_not_found"
    )
    await client.chat_postMessage(channel="#ops", text="there")
    await slack.chat_postMessage(channel="#ops", text="here")
    assert [(each.team, each.text) for each in sandbox.slack.messages.records] == [
        ("T0OTHER", "there"),
        (sandbox.slack.team, "here"),
    ]
    other.kill_token()
    assert await error_of(client.auth_test()) == "token_revoked"
    assert (await slack.auth_test())["ok"]


def test_a_team_and_a_token_are_taken_once(sandbox: Sandbox) -> None:
    sandbox.slack_workspaces.add("T0OTHER", "xoxb-other")
    for team, token in (("T0OTHER", "xoxb-third"), (sandbox.slack.team, "xoxb-third"), ("", "xoxb-third")):
        with pytest.raises(BadFieldError, match="team"):
            sandbox.slack_workspaces.add(team, token)
    with pytest.raises(BadFieldError, match="token"):
        sandbox.slack_workspaces.add("T0THIRD", "xoxb-other")
    sandbox.reset()
    with pytest.raises(NotKnownError):
        sandbox.slack_workspaces.get("T0OTHER")


async def test_a_message_that_was_deleted_has_no_thread(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    posted = await slack.chat_postMessage(channel="#ops", text="hello")
    channel, ts = posted["channel"], posted["ts"]
    sandbox.slack.messages.clear()
    assert (await slack.chat_update(channel=channel, ts=ts, text="still there"))["ok"]
    sandbox.slack.delete_message(channel, ts)
    assert await error_of(slack.chat_update(channel=channel, ts=ts, text="x")) == "message_not_found"
    assert await error_of(slack.chat_postMessage(channel=channel, thread_ts=ts, text="x")) == "thread_not_found"
    with pytest.raises(NotKnownError):
        sandbox.slack.delete_message(channel, ts)


async def test_a_channel_takes_a_message_a_second_where_that_is_asked(
    slack: AsyncWebClient, sandbox: Sandbox, clock: MovingClock
) -> None:
    """Another channel does not mind; an update is no message."""
    sandbox.slack.paced = True
    posted = await slack.chat_postMessage(channel="#ops", text="one")
    with pytest.raises(SlackApiError) as refused:
        await slack.chat_postMessage(channel="#ops", text="two")
    assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (429, "1")
    await slack.chat_postMessage(channel="#general", text="two")
    await slack.chat_update(channel=posted["channel"], ts=posted["ts"], text="one, updated")
    clock.advance(seconds=1)
    await slack.chat_postMessage(channel="#ops", text="two")
    assert [each.text for each in sandbox.slack.messages.records] == ["one", "two", "two"]


async def test_metadata_is_kept_and_its_form_is_checked(slack: AsyncWebClient, sandbox: Sandbox) -> None:
    """An event's type and a payload; without any, a message has none."""
    metadata = {"event_type": "notice", "event_payload": {"id": "7"}}
    await slack.chat_postMessage(channel="#ops", text="one", metadata=metadata)
    await slack.chat_postMessage(channel="#ops", text="two")
    assert [post.metadata for post in sandbox.slack.messages.records] == [metadata, {}]
    for bad, error in (
        ("{not", "invalid_metadata_format"),
        ('["notice"]', "invalid_metadata_format"),
        ('{"event_payload": {}}', "invalid_metadata_format"),
        ('{"event_type": "notice"}', "invalid_metadata_schema"),
    ):
        refused = slack.api_call("chat.postMessage", json={"channel": "#ops", "text": "x", "metadata": bad})
        assert await error_of(refused) == error
