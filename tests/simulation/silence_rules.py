"""What docs/rules.md says of silences, said once more: what they hold back, and when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.owed import AGAIN, MENDED, Moment, Owed


@dataclass
class Silence:
    """What is not to be told for a while, of what all parts agree on; empty parts do not narrow."""

    id: str
    page: str
    account: str
    link: str
    begin: datetime
    end: datetime

    def covers(self, page: str, account: str, link: str) -> bool:
        return self.page in ("", page) and self.account in ("", account) and self.link in ("", link)


class Silences:
    """Every silence there was, with its true end."""

    def __init__(self) -> None:
        self.known: dict[str, Silence] = {}

    def add(self, silence: Silence) -> None:
        """Something is not to be told for a while."""
        self.known[silence.id] = silence

    def end(self, silence_id: str, now: datetime) -> None:
        """It is over before its time."""
        self.known[silence_id].end = min(now, self.known[silence_id].end)

    def at_some_time(self, about: str, recipient: str, links: Iterable[str], start: datetime, end: datetime) -> bool:
        """Whether, in between, silences held for each of the links, be it not at once."""
        holding = [each for each in self.known.values() if each.begin <= end and each.end >= start]
        return _all_covered(holding, about, recipient, links)

    def held(self, owed: Owed, moment: Moment, start: datetime, end: datetime) -> bool:
        """Whether a notice may have been held back in between, as its page or link stood at a moment."""
        return self.at_some_time(owed.page, owed.recipient, _links(owed, moment), start, end)

    def held_throughout(self, owed: Owed, moment: Moment, start: datetime, end: datetime) -> bool:
        """Whether it was held back all the time."""
        holding = [each for each in self.known.values() if each.begin <= start and each.end > end]
        return _all_covered(holding, owed.page, owed.recipient, _links(owed, moment))


def _links(owed: Owed, moment: Moment) -> tuple[str, ...]:
    """The links that a notice is about, of those that fail; none for the end of what was told."""
    if owed.kind in (AGAIN, MENDED):
        return ()
    if moment.link is not None:
        return (moment.link.id,)
    return tuple(fault.link for fault in moment.view.faulty if fault.account in owed.named) if moment.view else ()


def _all_covered(holding: Iterable[Silence], about: str, recipient: str, links: Iterable[str]) -> bool:
    page, wanted, among = "" if about.startswith("link ") else about, list(links), list(holding)
    return bool(wanted) and all(any(each.covers(page, recipient, link) for each in among) for link in wanted)
