"""Posting to a Slack channel, under the first message of an incident where there is one, and marking that as over.

A first message that is gone, or that takes no thread, holds nothing back: what is told is posted by itself.
"""

from typing import NamedTuple

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from calguard_server.domain.conversation import Post, place_of
from calguard_server.notifiers.blocks import CARDS_MAX, LINES_MAX
from calguard_server.notifiers.letter import compose
from calguard_server.notifiers.message import NoticeMessage
from calguard_server.notifiers.slack_answers import (
    BLOCKS_REFUSED,
    NO_THREAD,
    PASSES,
    WORKSPACE_BROKEN,
    answer_of,
    reading,
)
from calguard_server.notifiers.slack_content import Content, content_of, kept, marked_over, metadata_of, plain_of
from calguard_server.notifiers.wording import WORDINGS

_log = structlog.get_logger()


class Posted(NamedTuple):
    """What was posted, where it begins a thread; and the id of the first message that turned out to be gone."""

    post: Post | None
    gone: str


class SlackPosting:
    """Posts in one workspace. What Slack refuses, and that it cannot be reached, is raised as it comes."""

    def __init__(self, client: AsyncWebClient, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id

    async def mark_over(self, first: Post) -> None:
        """Mark a first message as over. That it is gone, or cannot be changed any more, is as good."""
        content = marked_over(first.content, first.over_label)
        try:
            await answer_of(self._client.chat_update(channel=first.channel, ts=first.ts, **content))
        except SlackApiError as error:
            found = reading(error.response)
            if not found.certain or found.code in PASSES | WORKSPACE_BROKEN:
                raise
            _log.info("a message in Slack was not marked as over", slack_error=found.code)

    async def post(self, message: NoticeMessage, channel: str) -> Posted:
        """Post to a channel, where it belongs."""
        place = place_of(message.told, self._workspace_id, channel)
        letter = compose(message, lines_max=LINES_MAX, cards_max=CARDS_MAX)
        content, marked = content_of(letter), {"metadata": metadata_of(message.message_id)}
        try:
            under, posted = await self._post_under({**content, **marked}, channel, place.under)
        except SlackApiError as error:
            if reading(error.response).code not in BLOCKS_REFUSED:
                raise
            _log.error("Slack refuses the blocks of a message: it goes as text", notification_id=message.message_id)
            content = plain_of(letter)
            under, posted = await self._post_under({**content, **marked}, channel, place.under)
        gone = place.under.message_id if place.under and not under else ""
        if under or not message.begins_thread or not (place.begins or gone):
            return Posted(None, gone)
        return Posted(self._kept(message, posted, content), gone)

    def _kept(self, message: NoticeMessage, posted: AsyncSlackResponse, content: Content) -> Post | None:
        ts, where = posted.get("ts"), posted.get("channel")
        if not isinstance(ts, str) or not isinstance(where, str):
            return None
        label = WORDINGS[message.locale].labels.over
        return Post(message.message_id, self._workspace_id, where, ts, kept(content), label)

    async def _post_under(self, content: Content, channel: str, first: Post | None) -> tuple[bool, AsyncSlackResponse]:
        """Post under another message, or by itself where none is given or it takes none; answer which it was."""
        if first is not None:
            try:
                return True, await self._call(content, channel, first.ts)
            except SlackApiError as error:
                if reading(error.response).code not in NO_THREAD:
                    raise
        return False, await self._call(content, channel, None)

    async def _call(self, content: Content, channel: str, thread_ts: str | None) -> AsyncSlackResponse:
        return await answer_of(
            self._client.chat_postMessage(
                channel=channel, thread_ts=thread_ts, unfurl_links=False, unfurl_media=False, **content
            )
        )
