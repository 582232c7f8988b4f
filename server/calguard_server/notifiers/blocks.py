"""A letter as Slack blocks.

Every text is escaped, and no character of anybody's name can start formatting, a mention or a link. Slack takes 150
characters in a header, 3,000 in a section, 75 on a button and 3,000 in its address, and 50 blocks; the counts below
stay within that, whatever the texts hold. An address that is too long for a button is left out: Slack would refuse the
whole message.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from calguard_server.notifiers.letter import Card, Letter, Link

Block = dict[str, Any]
LINES_MAX = 20
CARDS_MAX = 8
HEADER_MAX = 150
SECTION_MAX = 3000
BUTTON_MAX = 75
URL_MAX = 3000
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOOK_ALIKES = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}
_FORMATTING = re.compile(r"(?<![A-Za-z0-9])[*_~`]|[*_~`](?![A-Za-z0-9])")
_URL_ENTITIES = {"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20"}


def fallback_of(letter: Letter) -> str:
    """What notifications, and programs that show no blocks, show instead."""
    return f"{escaped(letter.subject)}\n{escaped(letter.opening)}"


def blocks_of(letter: Letter) -> list[Block]:
    """Lay a letter out as blocks."""
    blocks: list[Block] = [{"type": "header", "text": _plain(letter.subject)}]
    blocks += _sections([escaped(letter.greeting), escaped(letter.opening)])
    blocks += _sections(_bold(each) for each in letter.assurances)
    for listing in letter.listings:
        lines = [*listing.lines, listing.more] if listing.more else listing.lines
        blocks += _sections([_bold(listing.heading), *(f"• {escaped(line)}" for line in lines)])
    blocks += _sections(_labelled(*fact) for fact in letter.facts)
    blocks += _cards(letter)
    blocks += _closing(letter)
    if letter.why:
        blocks.append({"type": "context", "elements": [_mrkdwn(escaped(letter.why))]})
    return blocks


def escaped(text: str, length_max: int = SECTION_MAX) -> str:
    """Answer the text so that Slack shows it as it is, cut where it would be longer than that once escaped."""
    inert = _FORMATTING.sub(lambda found: _LOOK_ALIKES[found.group()], text)
    pieces: list[str] = []
    room = length_max
    for character in inert:
        piece = _ENTITIES.get(character, character)
        room -= len(piece)
        if room < 0:
            break
        pieces.append(piece)
    return "".join(pieces)


def entities(text: str) -> str:
    """Answer the text so that nothing in it is a mention or a link."""
    return "".join(_ENTITIES.get(character, character) for character in text)


def _cards(letter: Letter) -> Iterator[Block]:
    if not letter.cards:
        return
    yield from _sections([_bold(letter.cards_heading)])
    for index, card in enumerate(letter.cards):
        if index:
            yield {"type": "divider"}
        yield from _sections(_card_lines(card))
        yield from _button(card.link)
    if letter.cards_more:
        yield from _sections([escaped(letter.cards_more)])


def _card_lines(card: Card) -> Iterator[str]:
    yield _bold(card.heading)
    for label, text in card.facts:
        yield _labelled(label, text)
    if card.link is not None:
        yield _bold(card.checkboxes)


def _closing(letter: Letter) -> Iterator[Block]:
    lead = letter.support_lead if letter.support is not None else ""
    yield from _sections(escaped(line) for line in (letter.closing, lead) if line)
    yield from _button(letter.support)


def _button(link: Link | None) -> Iterator[Block]:
    """Yield a button that opens an address."""
    if link is None:
        return
    url = "".join(_URL_ENTITIES.get(character, character) for character in link.url)
    if len(url) <= URL_MAX:
        button = {"type": "button", "text": _plain(link.label, BUTTON_MAX), "url": url}
        yield {"type": "actions", "elements": [button]}


def _sections(lines: Iterable[str]) -> Iterator[Block]:
    """Yield sections that hold the lines, as few as their limit allows; none for no lines."""
    held = ""
    for line in lines:
        together = f"{held}\n{line}" if held else line
        if len(together) > SECTION_MAX:
            yield _section(held)
            together = line
        held = together
    if held:
        yield _section(held)


def _section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)}


def _mrkdwn(text: str) -> Block:
    return {"type": "mrkdwn", "text": text, "verbatim": True}  # verbatim: nothing in it becomes a link by itself


def _plain(text: str, length_max: int = HEADER_MAX) -> Block:
    return {"type": "plain_text", "text": escaped(text, length_max), "emoji": False}


def _bold(text: str) -> str:
    return f"*{escaped(text)}*"


def _labelled(label: str, text: str) -> str:
    return f"{_bold(label)}: {escaped(text)}"
