"""Accounts as the model knows them: each with its times, because the log does not tell of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.plain import PageView, Slack


@dataclass(frozen=True)
class Person:
    """An account."""

    id: str
    name: str
    email: str
    locale: str
    slack: Slack
    wanted: tuple[str, ...] = ()
    always: bool = False

    def wants(self, channel: str) -> bool:
        """Where no channel is chosen, every one may be used."""
        return not self.wanted or channel in self.wanted

    def __str__(self) -> str:
        wishes = f"{'+'.join(self.wanted)}{' always' if self.always else ''}"
        return f"{self.name}/{self.email or '-'}/{self.locale}/{self.slack}/{wishes}".rstrip("/")


class People:
    """Who there was, and how, at any time."""

    def __init__(self) -> None:
        self._versions: dict[str, list[tuple[datetime, Person | None]]] = {}

    def put(self, person_id: str, person: Person | None, now: datetime) -> None:
        """Take note of a new, a changed, or (None) a deleted account."""
        self._versions.setdefault(person_id, []).append((now, person))

    def at(self, person_id: str, time: datetime) -> Person | None:
        found = None
        for since, person in self._versions.get(person_id, []):
            if since <= time:
                found = person
        return found

    def between(self, person_id: str, start: datetime, end: datetime) -> list[Person | None]:
        later = (person for since, person in self._versions.get(person_id, []) if start < since <= end)
        return [self.at(person_id, start), *later]

    def steady(self, person_id: str, start: datetime, end: datetime) -> bool:
        """Whether nothing about somebody changed in between."""
        return len(self.between(person_id, start, end)) == 1

    def now(self) -> dict[str, Person]:
        """Everybody there is."""
        latest = {person_id: versions[-1][1] for person_id, versions in self._versions.items()}
        return {person_id: person for person_id, person in latest.items() if person is not None}

    def missing(self, ids: Iterable[str], time: datetime) -> bool:
        return any(self.at(each, time) is None for each in ids)

    def channels(self, person_id: str, page: PageView | None, now: datetime) -> list[str]:
        """E-mail needs an address; Slack a channel, a user, or an e-mail address to look the person up by."""
        person = self.at(person_id, now)
        if person is None:
            return []
        of_page = page is not None and page.owner == person_id and page.slack.reaches
        known = ["EMAIL"] if person.email else []
        known += ["SLACK"] if person.email or person.slack.reaches or of_page else []
        return [channel for channel in known if person.wants(channel)]


def address(person: Person, page: PageView | None, channel: str) -> tuple[str, Slack]:
    """Where a message goes: the owner's Slack messages to the page's Slack address where it has one."""
    if channel == "EMAIL":
        return person.email, Slack()
    of_page = page is not None and page.owner == person.id and page.slack.reaches
    return person.email, page.slack if page is not None and of_page else person.slack
