"""The e-mails and Slack messages: those that are owed, and those that were received."""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from demo.cast import NAMES, PAGES, Page, Person

RELINK_BASE = "https://example.com/relink/"
STOPPED, FAULTY, RESTARTED = "page stopped", "another calendar fails", "accepting again"

_MEANING = {
    "Booking page stopped": ("en", STOPPED),
    "予約ページが停止しました": ("ja", STOPPED),
    "Another calendar fails": ("en", FAULTY),
    "別のカレンダーにも不具合があります": ("ja", FAULTY),
    "Accepting bookings again": ("en", RESTARTED),
    "予約の受付を再開しました": ("ja", RESTARTED),
}
_RELINK = re.compile(re.escape(RELINK_BASE) + r"([A-Za-z0-9._-]+)")


@dataclass(frozen=True, slots=True, order=True)
class Told:
    """What a message says: to whom, by which channel, of which pages, with whose addresses for connecting again."""

    channel: str
    to: str
    language: str
    kind: str
    pages: tuple[str, ...]
    relink: tuple[str, ...]

    def __str__(self) -> str:
        """Show it on one line."""
        relink = f"; to reconnect: {', '.join(self.relink)}" if self.relink else ""
        return f"{self.channel} to {self.to} ({self.language}): {self.kind}: {', '.join(self.pages)}{relink}"


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it was received."""

    channel: str
    to: str
    subject: str
    text: str
    excerpt: tuple[str, ...] = ()

    @property
    def relink_ids(self) -> tuple[str, ...]:
        """The ids of the links that it has addresses for, each once."""
        return tuple(dict.fromkeys(match.group(1) for match in _RELINK.finditer(self.text)))


def by_both(person: Person, kind: str, pages: Iterable[Page], relink: Iterable[Person] = ()) -> list[Told]:
    """What is owed to one person: an e-mail, and a Slack message that says the same."""
    titles = tuple(sorted(page.title for page in pages))
    names = tuple(sorted(each.name for each in relink))
    return [Told(channel, person.email, person.locale, kind, titles, names) for channel in ("e-mail", "Slack")]


def read(message: Message, owners: Mapping[str, str]) -> Told:
    """Tell what a message says; `owners` are the account ids by link id."""
    language, kind = _MEANING.get(re.split("[:：]", message.subject)[0], ("?", message.subject))
    titles = tuple(sorted(page.title for page in PAGES if page.title in message.text))
    names = tuple(sorted(NAMES.get(owners.get(each, ""), each) for each in message.relink_ids))
    return Told(message.channel, message.to, language, kind, titles, names)


def from_mail(received: Mapping[str, Any]) -> Message:
    """Read an e-mail."""
    text = received["text"]
    return Message("e-mail", ", ".join(received["recipients"]), received["subject"], text, tuple(_excerpt(text)))


def from_slack(received: Mapping[str, Any]) -> Message:
    """Read a Slack message; its `text` is what a phone shows of it, subject first."""
    text = "\n".join(_texts(received["blocks"]))
    return Message("Slack", str(received["user_email"]), received["text"].partition("\n")[0], text)


def _excerpt(text: str) -> Iterator[str]:
    """The first paragraph after the greeting, then the pages, the calendars and the addresses that it names."""
    yield " ".join(re.split(r"(?:\r?\n){2}", text)[1].split())
    lines = [line.strip() for line in re.sub(r"\r?\n {4}", " ", text).splitlines()]
    for before, line in itertools.pairwise(lines):
        if line.startswith(("- ", "* ")):
            yield line
        elif line.startswith(RELINK_BASE):
            yield from (before, line)


def _texts(block: object) -> Iterator[str]:
    if isinstance(block, str):
        yield block
    elif isinstance(block, Mapping):
        for each in block.values():
            yield from _texts(each)
    elif isinstance(block, Sequence):
        for each in block:
            yield from _texts(each)
