"""What is posted to Slack: a letter as blocks with a fallback, or as plain text where Slack takes no blocks of it."""

import json
import re
from typing import Any

from calguard_server.notifiers.blocks import HEADER_MAX, blocks_of, entities, fallback_of
from calguard_server.notifiers.letter import Letter
from calguard_server.notifiers.templates import text_of

Content = dict[str, Any]
METADATA_TYPE = "calguard_notice"
_TEXT_MAX = 12_000
_CUT_ENTITY = re.compile(r"&[a-z]{0,4}$")


def content_of(letter: Letter) -> Content:
    """Answer a letter as it is posted."""
    return {"text": fallback_of(letter), "blocks": blocks_of(letter)}


def plain_of(letter: Letter) -> Content:
    """Answer a letter without blocks: all of its text, with the addresses in full."""
    return {"text": _cut(entities(text_of(letter)), _TEXT_MAX), "mrkdwn": False}


def metadata_of(message_id: str) -> Content:
    """Answer what a message carries unseen: by it one that was posted twice is known to be the same."""
    return {"event_type": METADATA_TYPE, "event_payload": {"message_id": message_id}}


def kept(content: Content) -> str:
    """Write what was posted, to be kept."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def marked_over(posted: str, label: str) -> Content:
    """Answer what was posted with its title marked as over; nothing else of it changes."""
    content: Content = json.loads(posted)
    content["text"] = f"{label}: {content['text']}"
    for block in content.get("blocks", ()):
        if block["type"] == "header":
            block["text"]["text"] = _cut(f"{label}: {block['text']['text']}", HEADER_MAX)
    return content


def _cut(text: str, length_max: int) -> str:
    """Cut an escaped text, but not within an escape."""
    return text if len(text) <= length_max else _CUT_ENTITY.sub("", text[: length_max - 1]) + "…"
