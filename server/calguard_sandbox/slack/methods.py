"""The Web API's methods. A method takes the arguments as text and raises SlackError, or answers its fields."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from calguard_sandbox.slack.blocks import read_blocks
from calguard_sandbox.slack.errors import RateLimitedError, SlackError
from calguard_sandbox.slack.state import Channel, SlackMessage, SlackState, SlackToken, SlackUser

LONGEST_TEXT = 40_000
Arguments = Mapping[str, Any]


class Methods:
    """What the bot may do in the workspace."""

    def __init__(self, state: SlackState) -> None:
        self._state = state
        self.table: dict[str, tuple[str | None, Callable[[Arguments], dict[str, Any]]]] = {
            "auth.test": (None, self.auth_test),
            "chat.postMessage": ("chat:write", self.post_message),
            "chat.update": ("chat:write", self.update),
            "users.lookupByEmail": ("users:read.email", self.lookup_by_email),
            "conversations.open": ("im:write", self.open_conversation),
        }

    def call(self, name: str, token: str | None, arguments: Arguments) -> dict[str, Any]:
        """The fields of the answer, once the token is known to permit the method."""
        if name not in self.table:
            raise SlackError("unknown_method", req_method=name)
        needed, method = self.table[name]
        self._check(token, needed)
        return method(arguments)

    def auth_test(self, _arguments: Arguments) -> dict[str, Any]:
        """Who the bot is."""
        return {
            "url": "https://sandbox.slack.com/",
            "team": self._state.name,
            "user": "calguard",
            "team_id": self._state.team,
            "user_id": "U0SANDBOXBOT",
            "bot_id": "B0SANDBOX",
        }

    def post_message(self, arguments: Arguments) -> dict[str, Any]:
        """Post to a channel by id or `#name`, or to a person by user id."""
        channel, parent = self._channel(arguments), str(arguments.get("thread_ts") or "")
        if parent and not self._state.has_message(channel.id, parent):
            raise SlackError("thread_not_found")
        _content(arguments)
        if not self._state.admit_post(channel.id):
            raise RateLimitedError(1)
        message = self._message("chat.postMessage", channel, arguments, self._state.next_ts())
        return {"channel": channel.id, "ts": message.ts, "message": {"type": "message", **_shown(message)}}

    def update(self, arguments: Arguments) -> dict[str, Any]:
        """Replace a message that was posted before."""
        channel = self._channel(arguments)
        ts = str(arguments.get("ts") or "")
        if not self._state.has_message(channel.id, ts):
            raise SlackError("message_not_found")
        message = self._message("chat.update", channel, arguments, ts)
        return {"channel": channel.id, "ts": ts, "text": message.text, "message": _shown(message)}

    def lookup_by_email(self, arguments: Arguments) -> dict[str, Any]:
        """The person of an address; a deactivated one is not found."""
        user = self._state.user_by_email(str(arguments.get("email") or ""))
        if user is None or user.deactivated:
            raise SlackError("users_not_found")
        profile = {"email": user.email, "real_name": user.name}
        return {"user": {"id": user.id, "team_id": self._state.team, "name": user.name, "profile": profile}}

    def open_conversation(self, arguments: Arguments) -> dict[str, Any]:
        """The direct message channel with one person."""
        user = self._state.users.get(str(arguments.get("users") or ""))
        if user is None:
            raise SlackError("user_not_found")
        if user.deactivated:
            raise SlackError("user_disabled")
        return {"channel": {"id": self._state.direct_channel(user).id}}

    def _check(self, token: str | None, needed: str | None) -> None:
        if not token:
            raise SlackError("not_authed")
        held = self._state.tokens.get(token, SlackToken(error="invalid_auth"))
        if held.error:
            raise SlackError(held.error)
        if needed and needed not in held.scopes:
            raise SlackError("missing_scope", needed=needed, provided=",".join(held.scopes))

    def _channel(self, arguments: Arguments) -> Channel:
        name = str(arguments.get("channel") or "")
        user = self._state.users.get(name)
        channel = self._state.direct_channel(user) if user else self._state.find_channel(name)
        if channel is None:
            raise SlackError("channel_not_found")
        problem = _refusal(channel, self._state.users.get(channel.user_id or ""))
        if problem:
            raise SlackError(problem)
        return channel

    def _message(self, method: str, channel: Channel, arguments: Arguments, ts: str) -> SlackMessage:
        text, blocks = _content(arguments)
        user = self._state.users.get(channel.user_id or "")
        message = SlackMessage(
            team=self._state.team,
            method=method,
            channel=channel.id,
            channel_name=channel.name,
            user_email=user.email if user else None,
            text=text,
            blocks=blocks,
            thread_ts=str(arguments["thread_ts"]) if arguments.get("thread_ts") else None,
            ts=ts,
            time=self._state.now(),
            metadata=_metadata(arguments.get("metadata")),
        )
        self._state.take(message)
        return message


def _refusal(channel: Channel, user: SlackUser | None) -> str | None:
    """Why nothing can be posted there."""
    refusals = {
        "is_archived": channel.archived,
        "not_in_channel": not channel.member,
        "restricted_action": channel.restricted,
        "messages_tab_disabled": user is not None and not user.messages_tab,
        "channel_not_found": user is not None and user.deactivated,
    }
    return next((error for error, holds in refusals.items() if holds), None)


def _content(arguments: Arguments) -> tuple[str, list[dict[str, Any]]]:
    """The text and the blocks. Raises SlackError for what Slack refuses."""
    text, blocks = str(arguments.get("text") or ""), read_blocks(arguments.get("blocks"))
    if not text and not blocks:
        raise SlackError("no_text")
    if len(text) > LONGEST_TEXT:
        raise SlackError("msg_too_long")
    return text, blocks


def _metadata(given: object) -> dict[str, Any]:
    """What a message carries unseen. Raises SlackError."""
    if not given:
        return {}
    try:
        metadata = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise SlackError("invalid_metadata_format") from None
    if not isinstance(metadata, dict) or not metadata.get("event_type"):
        raise SlackError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_schema")
    return metadata


def _shown(message: SlackMessage) -> dict[str, Any]:
    shown: dict[str, Any] = {"text": message.text, "blocks": message.blocks, "ts": message.ts}
    return {**shown, "thread_ts": message.thread_ts} if message.thread_ts else shown
