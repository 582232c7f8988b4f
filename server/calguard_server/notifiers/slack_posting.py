"""Posting to a Slack channel, under the first message of an incident where there is one, and marking that as over.

1. The first message is marked before the end is posted: doing so twice does no harm, posting twice would.
2. A first message that is gone, or that takes no thread, holds nothing back: what is told is posted by itself.
"""

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from calguard_server.domain.conversation import Post
from calguard_server.notifiers.blocks import CARDS_MAX, LINES_MAX
from calguard_server.notifiers.letter import compose
from calguard_server.notifiers.message import NoticeMessage
from calguard_server.notifiers.slack_answers import (
    BLOCKS_REFUSED,
    MESSAGE_GONE,
    NO_THREAD,
    PASSES,
    WORKSPACE_BROKEN,
    answer_of,
    reading,
)
from calguard_server.notifiers.slack_content import Content, content_of, kept, marked_over, metadata_of, plain_of
from calguard_server.notifiers.wording import WORDINGS

_log = structlog.get_logger()


class SlackPosting:
    """Posts in one workspace. What Slack refuses, and that it cannot be reached, is raised as it comes."""

    def __init__(self, client: AsyncWebClient, workspace_id: str) -> None:
        self._client = client
        self._workspace_id = workspace_id

    async def thread(self, message: NoticeMessage, channel: str) -> str:
        """Mark the first message as over where it is; answer what this one goes under, empty for nothing."""
        thread = message.thread
        if thread is None or thread.first.workspace_id != self._workspace_id:
            return ""
        first = thread.first
        if thread.over and not await self._mark_over(first, WORDINGS[message.locale].labels.over):
            return ""
        return first.ts if first.channel == channel else ""

    async def _mark_over(self, first: Post, label: str) -> bool:
        """Answer whether the message is still there. That it cannot be changed any more holds nothing back."""
        content = marked_over(first.content, label)
        try:
            await answer_of(self._client.chat_update(channel=first.channel, ts=first.ts, **content))
        except SlackApiError as error:
            found = reading(error.response)
            if not found.certain or found.code in PASSES | WORKSPACE_BROKEN:
                raise
            _log.info("a message in Slack was not marked as over", slack_error=found.code)
            return found.code not in MESSAGE_GONE
        return True

    async def post(self, message: NoticeMessage, channel: str, thread_ts: str) -> Post | None:
        """Post; answer the post where it begins a thread."""
        letter = compose(message, lines_max=LINES_MAX, cards_max=CARDS_MAX)
        content, marked = content_of(letter), {"metadata": metadata_of(message.message_id)}
        try:
            under, posted = await self._post_under({**content, **marked}, channel, thread_ts)
        except SlackApiError as error:
            if reading(error.response).code not in BLOCKS_REFUSED:
                raise
            _log.error("Slack refuses the blocks of a message: it goes as text", notification_id=message.message_id)
            content = plain_of(letter)
            under, posted = await self._post_under({**content, **marked}, channel, thread_ts)
        ts, where = posted.get("ts"), posted.get("channel")
        if under or not message.begins_thread or not isinstance(ts, str) or not isinstance(where, str):
            return None
        return Post(self._workspace_id, where, ts, kept(content))

    async def _post_under(self, content: Content, channel: str, thread_ts: str) -> tuple[bool, AsyncSlackResponse]:
        """Post under another message, or by itself where none is given or it takes none; answer which it was."""
        if thread_ts:
            try:
                return True, await self._call(content, channel, thread_ts)
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
