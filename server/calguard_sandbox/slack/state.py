"""One Slack workspace: its tokens, channels, people and messages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from calguard_sandbox.errors import BadFieldError, NotKnownError
from calguard_sandbox.journal import Journal
from calguard_sandbox.options import SLACK_TEAM, SLACK_TOKEN
from calguard_sandbox.sources import Ids, Now, stable_id

_PACE = timedelta(seconds=1)
ALL_SCOPES = ("chat:write", "im:write", "users:read", "users:read.email")
TOKEN_ERRORS = ("invalid_auth", "token_revoked", "token_expired", "account_inactive")
SEEDED_CHANNELS = ("ops", "bookings", "general")
SEEDED_USERS = ("ann@example.com", "ben@example.com", "olga@example.com")


@dataclass(slots=True)
class SlackToken:
    """A bot token; `error` is what a dead one is answered."""

    scopes: tuple[str, ...] = ALL_SCOPES
    error: str | None = None


@dataclass(slots=True)
class SlackUser:
    """A person. With `messages_tab` off, nobody can write to them directly."""

    id: str
    email: str
    name: str
    deactivated: bool = False
    messages_tab: bool = True


@dataclass(slots=True)
class Channel:
    """A channel, or a direct message channel when `user_id` is set."""

    id: str
    name: str
    archived: bool = False
    member: bool = True
    restricted: bool = False
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message received; `user_email` is set for a direct message, `method` tells a post from an update.

    `metadata` is what it carries unseen: an event type and a payload; empty where it has none.
    """

    team: str
    method: str
    channel: str
    channel_name: str
    user_email: str | None
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None
    ts: str
    time: datetime
    metadata: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "team": self.team,
            "method": self.method,
            "channel": self.channel,
            "channel_name": self.channel_name,
            "user_email": self.user_email,
            "text": self.text,
            "blocks": self.blocks,
            "thread_ts": self.thread_ts,
            "ts": self.ts,
            "time": self.time.isoformat(),
            "metadata": self.metadata,
        }


class SlackState:
    """The workspace, and the acts that change it. Channels are named without `#`; NotKnownError where absent.

    `paced`: a second message to a channel within a second of the one before is refused. Slack itself lets short bursts
    pass. `messages` are the posts, `updates` what replaced one, each as it was received.
    """

    def __init__(
        self,
        now: Now,
        ids: Ids,
        *,
        team: str = SLACK_TEAM,
        name: str = "Sandbox",
        token: str = SLACK_TOKEN,
        journals: tuple[Journal[SlackMessage], Journal[SlackMessage]] | None = None,
    ) -> None:
        self.now = now
        self.ids = ids
        self.team = team
        self.name = name
        self.paced = False
        self.tokens: dict[str, SlackToken] = {}
        self.users: dict[str, SlackUser] = {}
        self.channels: dict[str, Channel] = {}
        self.messages, self.updates = journals or (Journal(), Journal())
        self._posted: set[tuple[str, str]] = set()
        self._last_post: dict[str, datetime] = {}
        self._first_token = token
        self._seed()

    def reset(self) -> None:
        """Back to the seeded token, people and channels, with no message."""
        for table in (self.tokens, self.users, self.channels, self._last_post):
            table.clear()
        self._posted.clear()
        self.messages.clear()
        self.updates.clear()
        self.paced = False
        self._seed()

    def _seed(self) -> None:
        self.tokens[self._first_token] = SlackToken()
        for name in SEEDED_CHANNELS:
            self.add_channel(name)
        for email in SEEDED_USERS:
            self.add_user(email)

    def add_user(self, email: str, name: str = "") -> SlackUser:
        """A new person in the workspace."""
        email = email.lower()
        if self.user_by_email(email) is not None or "@" not in email:
            raise BadFieldError("email", "taken already, or not an e-mail address")
        user = SlackUser(self._id("U", email), email, name or email.partition("@")[0])
        self.users[user.id] = user
        return user

    def add_channel(self, name: str) -> Channel:
        """A new channel that the bot is a member of."""
        bare = name.removeprefix("#")
        if self.find_channel(bare) is not None:
            raise BadFieldError("name", "taken already")
        channel = Channel(self._id("C", bare), bare)
        self.channels[channel.id] = channel
        return channel

    def user_by_email(self, email: str) -> SlackUser | None:
        """The person of that address."""
        return next((user for user in self.users.values() if user.email == email.lower()), None)

    def user(self, email: str) -> SlackUser:
        """The person of that address; NotKnownError where there is none."""
        user = self.user_by_email(email)
        if user is None:
            raise NotKnownError("Slack user", email)
        return user

    def find_channel(self, name: str) -> Channel | None:
        """The channel of that id, or of that name with or without `#`."""
        bare = name.removeprefix("#")
        named = (channel for channel in self.channels.values() if channel.name == bare)
        return self.channels.get(name) or next(named, None)

    def channel(self, name: str) -> Channel:
        """The channel of that id or name; NotKnownError where there is none."""
        channel = self.find_channel(name)
        if channel is None:
            raise NotKnownError("Slack channel", name)
        return channel

    def set_channel(
        self,
        name: str,
        *,
        archived: bool | None = None,
        member: bool | None = None,
        restricted: bool | None = None,
    ) -> None:
        """Archive a channel, take the bot out of it, let only admins post in it; None leaves a flag as it is."""
        channel = self.channel(name)
        channel.archived = channel.archived if archived is None else archived
        channel.member = channel.member if member is None else member
        channel.restricted = channel.restricted if restricted is None else restricted

    def set_user(self, email: str, *, deactivated: bool | None = None, messages_tab: bool | None = None) -> None:
        """Deactivate a person or close their messages tab; None leaves a flag as it is."""
        user = self.user(email)
        user.deactivated = user.deactivated if deactivated is None else deactivated
        user.messages_tab = user.messages_tab if messages_tab is None else messages_tab

    def kill_token(self, token: str = "", error: str = "token_revoked") -> None:
        """Let a token be answered with that error from now on."""
        if error not in TOKEN_ERRORS:
            raise BadFieldError("error", f"expected one of {', '.join(TOKEN_ERRORS)}")
        self.token(token or self._first_token).error = error

    def put_token(self, token: str = "", scopes: tuple[str, ...] = ALL_SCOPES) -> None:
        """Add a token, or revive one, with those scopes."""
        self.tokens[token or self._first_token] = SlackToken(scopes)

    def token(self, token: str) -> SlackToken:
        """The token; NotKnownError, which does not repeat it, where it was never given out."""
        if token not in self.tokens:
            raise NotKnownError("Slack token", f"{token[:5]}...")
        return self.tokens[token]

    def direct_channel(self, user: SlackUser) -> Channel:
        """The direct message channel with a person, opened at need."""
        found = next((channel for channel in self.channels.values() if channel.user_id == user.id), None)
        if found is not None:
            return found
        channel = Channel(self._id("D", user.email), user.name, user_id=user.id)
        self.channels[channel.id] = channel
        return channel

    def take(self, message: SlackMessage) -> None:
        """Take note of a post, or of what replaced one."""
        if message.method == "chat.update":
            self.updates.append(message)
        else:
            self._posted.add((message.channel, message.ts))
            self.messages.append(message)

    def has_message(self, channel: str, ts: str) -> bool:
        """Whether a message was posted, and is not deleted."""
        return (channel, ts) in self._posted

    def delete_message(self, channel: str, ts: str) -> None:
        """Delete a message, as a person does; NotKnownError where it is not there."""
        if not self.has_message(channel, ts):
            raise NotKnownError("Slack message", ts)
        self._posted.remove((channel, ts))

    def admit_post(self, channel: str) -> bool:
        """Whether a channel takes another message now, which counts then."""
        now, last = self.now(), self._last_post.get(channel)
        if self.paced and last is not None and now - last < _PACE:
            return False
        self._last_post[channel] = now
        return True

    def next_ts(self) -> str:
        """A timestamp that no other message has."""
        return f"{int(self.now().timestamp())}.{self.ids.number('ts'):06d}"

    def _id(self, kind: str, name: str) -> str:
        """The same id in each run; of another workspace, another one."""
        return stable_id(kind, name if self.team == SLACK_TEAM else f"{self.team}/{name}")
