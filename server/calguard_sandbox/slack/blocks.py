"""Blocks as Slack takes them: the types that messages here use, and the limits that are documented for each."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from calguard_sandbox.slack.errors import SlackError

MOST_BLOCKS = 50
HEADER_MAX = 150
SECTION_MAX = 3000
MOST_ELEMENTS = {"actions": 25, "context": 10}
BUTTON_TEXT_MAX = 75
URL_MAX = 3000
Block = dict[str, Any]


def read_blocks(value: object) -> list[Block]:
    """The blocks, from JSON text or as they are. Raises SlackError for what Slack refuses."""
    if not value:
        return []
    try:
        blocks = json.loads(value) if isinstance(value, str) else value
    except ValueError as error:
        raise SlackError("invalid_blocks_format") from error
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    if len(blocks) > MOST_BLOCKS or not all(_is_block(block) for block in blocks):
        raise SlackError("invalid_blocks")
    return blocks


def _is_block(block: object) -> bool:
    return isinstance(block, dict) and isinstance(block.get("type"), str) and _KINDS.get(block["type"], _other)(block)


def _header(block: Block) -> bool:
    return _is_text(block.get("text"), HEADER_MAX, "plain_text")


def _section(block: Block) -> bool:
    return _is_text(block.get("text"), SECTION_MAX)


def _actions(block: Block) -> bool:
    return _elements(block, "actions", _is_button)


def _context(block: Block) -> bool:
    return _elements(block, "context", lambda element: _is_text(element, SECTION_MAX))


def _other(_block: Block) -> bool:
    return True


def _elements(block: Block, kind: str, fits: Callable[[Any], bool]) -> bool:
    elements = block.get("elements")
    return isinstance(elements, list) and 0 < len(elements) <= MOST_ELEMENTS[kind] and all(map(fits, elements))


def _is_button(element: object) -> bool:
    if not isinstance(element, dict) or element.get("type") != "button":
        return False
    url = element.get("url", "https://")
    fits = isinstance(url, str) and url.startswith(("http://", "https://")) and len(url) <= URL_MAX
    return fits and _is_text(element.get("text"), BUTTON_TEXT_MAX, "plain_text")


def _is_text(text: object, at_most: int, *kinds: str) -> bool:
    if not isinstance(text, Mapping) or text.get("type") not in (kinds or ("plain_text", "mrkdwn")):
        return False
    held = text.get("text")
    return isinstance(held, str) and 0 < len(held) <= at_most


_KINDS: dict[str, Callable[[Block], bool]] = {
    "header": _header,
    "section": _section,
    "actions": _actions,
    "context": _context,
}
