"""Slack: posts one message to a channel, or to a person by direct message, in one workspace.

1. A wrong destination and a person who is not there are permanent. What says that the token is good for nothing raises
   WorkspaceBrokenError: it is no outcome of the message.
2. Everything else is tried again: rate limits, Slack's own errors, answers that are none, silence, and errors that are
   not known here. Where the answer to the post itself is lost, the detail says that it may have been posted.
3. Where a person's direct message channel is, is remembered. One that turns out wrong is forgotten and looked up
   again at the next try, before the delivery is given up.
4. A message that is not to be posted yet, by the pace of its channel or of the workspace, is not tried.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Outcome
from calguard_server.domain.secret import Secret
from calguard_server.engine.ports.clock import Clock
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.notifiers.slack_answers import (
    NOBODY_THERE,
    PERMANENT,
    WORKSPACE_BROKEN,
    Reading,
    UnreadableAnswerError,
    answer_of,
    id_in,
    reading,
    trouble,
)
from calguard_server.notifiers.slack_pace import Pace
from calguard_server.notifiers.slack_people import People
from calguard_server.notifiers.slack_posting import SlackPosting


@dataclass(frozen=True, slots=True)
class SlackOptions:
    """One workspace. `timeout` is for one whole attempt; `remembered_max` bounds the people who are remembered."""

    token: Secret
    base_url: str = "https://slack.com/api/"
    timeout: timedelta = timedelta(seconds=15)
    remembered_max: int = 10_000
    workspace_id: str = ""


class WorkspaceBrokenError(Exception):
    """Slack refuses the token, or it lacks a permission; `detail` is what is told of the message that met it."""

    def __init__(self, found: Reading) -> None:
        super().__init__(found.code)
        self.code = found.code
        self.detail = found.detail


class _NobodyError(Exception):
    """There is no such person, as Slack said a while ago."""


@dataclass(slots=True)
class _Progress:
    """How far an attempt has come. `fresh`: Slack has just said where the person is."""

    where: str
    fresh: bool = False
    posting: bool = False


class SlackNotifier:
    """Posts to Slack over a session that is passed in, and closed by whoever made it."""

    def __init__(self, options: SlackOptions, session: aiohttp.ClientSession, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._client = AsyncWebClient(
            token=options.token.reveal(), base_url=options.base_url, session=session, retry_handlers=[]
        )
        self._client.proxy = None  # it takes one from the environment, which is for the settings alone to read
        self._posting = SlackPosting(self._client, options.workspace_id)
        self._people = People(options.remembered_max)
        self._pace = Pace()

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        """Try once to post the message. Raises WorkspaceBrokenError."""
        person = address.slack.user_id or address.email
        progress = _Progress(address.slack.channel_id or person)
        if not progress.where:
            return Outcome(sent=False, permanent=True, detail="NO_ADDRESS: no channel, no user, no e-mail address")
        if wait := self._pace.closed_for(self._clock.now()):
            return _not_yet(wait, "SLACK_ASKS_TO_WAIT: the workspace takes nothing just now")
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                return await self._send(message, address, progress)
        except SlackApiError as error:
            return self._refused(reading(error.response), progress, "" if address.slack.channel_id else person)
        except _NobodyError as error:
            detail = f"slack {error}, as it answered within the last hour"
            return Outcome(sent=False, permanent=True, detail=detail, address=progress.where)
        except (aiohttp.ClientError, OSError, UnreadableAnswerError) as error:
            return _broken(error, progress)

    async def _send(self, message: NoticeMessage, address: Address, progress: _Progress) -> Outcome:
        channel = address.slack.channel_id or await self._direct_channel(address, progress)
        progress.where = channel
        if wait := self._pace.wait(channel, message.message_id, self._clock.now()):
            return _not_yet(wait, "PACED: one message a second goes to a channel")
        progress.posting = True
        try:
            posted = await self._posting.post(message, channel)
        finally:
            self._pace.answered(channel, self._clock.now())
        return Outcome(sent=True, detail="slack ok, HTTP 200", address=channel, posted=posted.post, gone=posted.gone)

    async def mark_over(self, first: Post) -> bool:
        """Try once to mark a message as over; answer whether nothing is left to be done. Raises WorkspaceBrokenError.

        What Slack asks to wait here holds back no message: it limits each of its methods by itself.
        """
        try:
            async with asyncio.timeout(self._options.timeout.total_seconds()):
                await self._posting.mark_over(first)
        except SlackApiError as error:
            found = reading(error.response)
            if found.code in WORKSPACE_BROKEN and found.certain:
                raise WorkspaceBrokenError(found) from error
            return False
        except (aiohttp.ClientError, OSError, UnreadableAnswerError):
            return False
        return True

    async def _direct_channel(self, address: Address, progress: _Progress) -> str:
        person, now = address.slack.user_id or address.email, self._clock.now()
        known = self._people.get(person, now)
        if known is not None and known.missing:
            raise _NobodyError(known.missing)
        if known is not None:
            return known.channel
        try:
            channel = await self._look_up(address)
        except SlackApiError as error:
            found = reading(error.response)
            if found.code in NOBODY_THERE and found.certain:
                self._people.missed(person, found.code, now)
            raise
        self._people.found(person, channel, now)
        progress.fresh = True
        return channel

    async def _look_up(self, address: Address) -> str:
        user_id = address.slack.user_id
        if not user_id:
            user_id = id_in(await answer_of(self._client.users_lookupByEmail(email=address.email)), "user")
        return id_in(await answer_of(self._client.conversations_open(users=user_id)), "channel")

    def _refused(self, found: Reading, progress: _Progress, person: str) -> Outcome:
        """Judge a refusal; `person` is empty where the channel was given, and not looked up."""
        if found.code in WORKSPACE_BROKEN and found.certain:
            raise WorkspaceBrokenError(found)
        if found.retry_after is not None:
            self._pace.close(self._clock.now() + found.retry_after)
        permanent = found.code in PERMANENT and found.certain
        if permanent and person and progress.where != person and not progress.fresh:
            self._people.forget(person)
            permanent = False
        return Outcome(
            sent=False,
            permanent=permanent,
            detail=found.detail,
            address=progress.where,
            retry_after=found.retry_after,
        )


def _not_yet(wait: timedelta, detail: str) -> Outcome:
    return Outcome(sent=False, tried=False, detail=detail, retry_after=wait)


def _broken(error: Exception, progress: _Progress) -> Outcome:
    reached = progress.posting and not isinstance(error, aiohttp.ClientConnectorError)
    doubt = "; the message may have been posted" if reached else ""
    return Outcome(sent=False, doubtful=reached, detail=f"{trouble(error)}{doubt}", address=progress.where)
