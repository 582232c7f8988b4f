"""Reading messages as people do, in every form, and checking that each form is well-formed."""

import html
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from calguard_server.notifiers.blocks import blocks_of
from calguard_server.notifiers.letter import Letter, compose
from calguard_server.notifiers.message import NoticeMessage
from calguard_server.notifiers.templates import html_of, text_of


class Shape(HTMLParser):
    """The tags that are open, and every tag that was."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, _attributes: object) -> None:
        self.seen.add(tag)
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def write(message: NoticeMessage) -> Letter:
    return compose(message, lines_max=20, cards_max=8)


def texts_in(blocks: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for block in blocks:
        if "text" in block:
            yield block["text"]
        for element in block.get("elements", []):
            yield element["text"] if element["type"] == "button" else element


def buttons_in(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def _unbroken(text: str) -> str:
    """The text with its long lines whole again."""
    return " ".join(text.split())


def read_in_every_form(message: NoticeMessage) -> dict[str, str]:
    """The text a person reads: in plain text, HTML and Slack, with the escapes undone."""
    letter = write(message)
    page = re.sub(r"<(?!a )[^>]+>", " ", html_of(letter).partition("<body")[2])
    blocks = blocks_of(letter)
    texts = html.unescape(" ".join(text["text"].replace("*", "") for text in texts_in(blocks)))
    opened = " ".join(button["url"] for button in buttons_in(blocks))
    return {"text": _unbroken(text_of(letter)), "html": html.unescape(page), "slack": f"{texts} {opened}"}


def check_form(letter: Letter) -> None:
    shape = Shape()
    shape.feed(html_of(letter))
    assert shape.open == []
    assert not shape.seen & {"script", "img", "iframe", "link"}
    blocks = blocks_of(letter)
    assert len(blocks) <= 50
    for block in blocks:
        assert block["type"] in ("header", "section", "context", "divider", "actions")
    for text in texts_in(blocks):
        assert 0 < len(text["text"]) <= (150 if text["type"] == "plain_text" else 3000)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", text["text"])
    for button in buttons_in(blocks):
        assert len(button["text"]["text"]) <= 75
        assert len(button["url"]) <= 3000
        assert not re.search(r"[<>| ]", button["url"])
    assert "\n" not in letter.subject
