"""Slack: posts one message to a channel, or to a person by direct message.

1. A broken connection with the workspace, a wrong destination and a person who is not there are permanent.
2. Everything else is tried again: rate limits, Slack's own errors, answers that are none, silence, and errors that are
   not known here. Where the answer to the post itself is lost, the detail says that it may have been posted.
3. Where a person's direct message channel is, is remembered. One that turns out wrong is forgotten and looked up
   again at the next try, before the delivery is given up.
4. Only the workspace of the token is served, whatever workspace an address names.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from calguard_server.domain.delivery import Outcome
from calguard_server.domain.secret import Secret
from calguard_server.notifiers.blocks import CARDS_MAX, LINES_MAX, blocks_of, fallback_of
from calguard_server.notifiers.cleaning import one_line
from calguard_server.notifiers.letter import compose
from calguard_server.notifiers.message import Address, NoticeMessage

WORKSPACE_BROKEN = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
)
DESTINATION_WRONG = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action"})
NOBODY_THERE = frozenset({"users_not_found", "user_not_found", "messages_tab_disabled"})
_PERMANENT = WORKSPACE_BROKEN | DESTINATION_WRONG | NOBODY_THERE
_MOVED = DESTINATION_WRONG | NOBODY_THERE
_ERROR_MAX = 60
_SECONDS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """One workspace. `timeout` is for one whole attempt; `remembered_max` bounds the people who are remembered."""

    token: Secret
    base_url: str = "https://slack.com/api/"
    timeout: timedelta = timedelta(seconds=15)
    remembered_max: int = 10_000


class SlackNotifier:
    """Posts to Slack over a session that is passed in, and closed by whoever made it."""

    def __init__(self, options: SlackOptions, session: aiohttp.ClientSession) -> None:
        self._options = options
        self._client = AsyncWebClient(
            token=options.token.reveal(), base_url=options.base_url, session=session, retry_handlers=[]
        )
        self._client.proxy = None  # it takes one from the environment, which is for the settings alone to read
        self._remembered = _Remembered(options.remembered_max)

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to post the message."""
        person = address.slack.user_id or address.email
        channel = address.slack.channel_id or self._remembered.get(person)
        if not channel and not person:
            return Outcome(sent=False, permanent=True, detail="NO_ADDRESS: no channel, no user, no e-mail address")
        posting = False
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                channel = channel or await self._direct_channel(address)
                posting = True
                await self._post(message, channel)
        except SlackApiError as error:
            return self._refused(error, channel or person, person)
        except (aiohttp.ClientError, OSError, _UnreadableAnswerError) as error:
            return _broken(error, channel or person, posting=posting)
        if not address.slack.channel_id:
            self._remembered.put(person, channel)
        return Outcome(sent=True, address=channel)

    async def _direct_channel(self, address: Address) -> str:
        user_id = address.slack.user_id
        if not user_id:
            found = await _answer(self._client.users_lookupByEmail(email=address.email))
            user_id = _id_in(found, "user")
        opened = await _answer(self._client.conversations_open(users=user_id))
        return _id_in(opened, "channel")

    async def _post(self, message: NoticeMessage, channel: str) -> None:
        letter = compose(message, lines_max=LINES_MAX, cards_max=CARDS_MAX)
        await _answer(
            self._client.chat_postMessage(
                channel=channel,
                text=fallback_of(letter),
                blocks=blocks_of(letter),
                unfurl_links=False,
                unfurl_media=False,
            )
        )

    def _refused(self, error: SlackApiError, address: str, person: str) -> Outcome:
        code, status, retry_after = _reading(error.response)
        permanent = code in _PERMANENT and status == HTTPStatus.OK
        if permanent and code in _MOVED and self._remembered.forget(person, address):
            permanent = False
        detail = f"slack {code or 'unreadable_answer'}, HTTP {status}"
        return Outcome(sent=False, permanent=permanent, detail=detail, address=address, retry_after=retry_after)


class _UnreadableAnswerError(Exception):
    """Slack answered with something that is not what its method answers."""


class _Remembered:
    """Where people's direct message channels are; the longest unused is forgotten first."""

    def __init__(self, size_max: int) -> None:
        self._size_max = size_max
        self._channels: OrderedDict[str, str] = OrderedDict()

    def get(self, person: str) -> str:
        if person in self._channels:
            self._channels.move_to_end(person)
        return self._channels.get(person, "")

    def put(self, person: str, channel: str) -> None:
        self._channels[person] = channel
        if len(self._channels) > self._size_max:
            self._channels.popitem(last=False)

    def forget(self, person: str, channel: str) -> bool:
        """Forget that channel of that person; answer whether it was what was remembered."""
        known = self._channels.get(person) == channel
        if known:
            del self._channels[person]
        return known


async def _answer(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Await a call; the SDK trips over answers that are JSON but no object, or not the text they claim to be."""
    try:
        return await call
    except (AttributeError, ValueError) as error:
        raise _UnreadableAnswerError from error


def _id_in(response: AsyncSlackResponse, part: str) -> str:
    found = response.get(part)
    named = found.get("id") if isinstance(found, dict) else None
    if not isinstance(named, str) or not named:
        raise _UnreadableAnswerError
    return named


def _reading(response: object) -> tuple[str, int, timedelta | None]:
    """Answer the error's name (empty where there is none), the HTTP status and what Slack asks to wait.

    The SDK passes on an answer that it could read as its own response, and one that it could not as aiohttp's.
    """
    if isinstance(response, aiohttp.ClientResponse):
        return "", response.status, _retry_after(response.headers)
    if not isinstance(response, AsyncSlackResponse):
        return "", 0, None
    error = response.data.get("error") if isinstance(response.data, dict) else None
    code = one_line(error, _ERROR_MAX) if isinstance(error, str) else ""
    return code, response.status_code, _retry_after(response.headers)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if _SECONDS.fullmatch(seconds) else None


def _broken(error: Exception, address: str, *, posting: bool) -> Outcome:
    reached = posting and not isinstance(error, aiohttp.ClientConnectorError)
    doubt = "; the message may have been posted" if reached else ""
    return Outcome(sent=False, doubtful=reached, detail=f"{_trouble(error)}{doubt}", address=address)


def _trouble(error: Exception) -> str:
    match error:
        case TimeoutError():
            return "TIMEOUT: no answer from Slack"
        case _UnreadableAnswerError():
            return "UNREADABLE_ANSWER: what Slack answered is not what the method answers"
        case _:
            return "CONNECTION_LOST: Slack cannot be reached, or hung up"
