"""What Slack answers: which errors mean what, and reading them.

The SDK passes on an answer that it could read as its own response, and one that it could not as aiohttp's.
"""

import re
from collections.abc import Awaitable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from calguard_server.notifiers.cleaning import one_line

WORKSPACE_BROKEN = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
)
DESTINATION_WRONG = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action"})
NOBODY_THERE = frozenset({"users_not_found", "user_not_found", "messages_tab_disabled"})
PERMANENT = DESTINATION_WRONG | NOBODY_THERE
PASSES = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited"})
NO_THREAD = frozenset({"thread_not_found", "cannot_reply_to_message", "restricted_action_non_threadable_channel"})
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
_ERROR_MAX = 60
_SECONDS = re.compile(r"[0-9]{1,6}")


class UnreadableAnswerError(Exception):
    """Slack answered with something that is not what its method answers."""


class Reading(NamedTuple):
    """An error's name (empty where there is none), the HTTP status, and what Slack asks to wait."""

    code: str
    status: int
    retry_after: timedelta | None

    @property
    def certain(self) -> bool:
        """Whether Slack answered the call itself: not a server in front of it, nor half-way through an error."""
        return self.status == HTTPStatus.OK

    @property
    def detail(self) -> str:
        """It in a few words."""
        return f"slack {self.code or 'unreadable_answer'}, HTTP {self.status}"


async def answer_of(call: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
    """Await a call; the SDK trips over answers that are JSON but no object, or not the text they claim to be."""
    try:
        return await call
    except (AttributeError, ValueError) as error:
        raise UnreadableAnswerError from error


def id_in(response: AsyncSlackResponse, part: str) -> str:
    """Answer the id of an object in an answer. Raises UnreadableAnswerError."""
    found = response.get(part)
    named = found.get("id") if isinstance(found, dict) else None
    if not isinstance(named, str) or not named:
        raise UnreadableAnswerError
    return named


def reading(response: object) -> Reading:
    """Read an error."""
    if isinstance(response, aiohttp.ClientResponse):
        return Reading("", response.status, _retry_after(response.headers))
    if not isinstance(response, AsyncSlackResponse):
        return Reading("", 0, None)
    error = response.data.get("error") if isinstance(response.data, dict) else None
    code = one_line(error, _ERROR_MAX) if isinstance(error, str) else ""
    return Reading(code, response.status_code, _retry_after(response.headers))


def trouble(error: Exception) -> str:
    """Name what kept an answer away."""
    match error:
        case TimeoutError():
            return "TIMEOUT: no answer from Slack"
        case UnreadableAnswerError():
            return "UNREADABLE_ANSWER: what Slack answered is not what the method answers"
        case _:
            return "CONNECTION_LOST: Slack cannot be reached, or hung up"


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    seconds = headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if _SECONDS.fullmatch(seconds) else None
