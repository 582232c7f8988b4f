"""What the model has noted of notices: all that are owed, the open incidents, and how everything stood at any time."""

import itertools
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from tests.simulation.notice_truth import truth_of
from tests.simulation.owed import FAILED, Incident, Key, Moment, Occasion, Owed
from tests.simulation.people import People
from tests.simulation.silence_rules import Silences

_INSTANT = timedelta(microseconds=1)


class NoticeBook:
    """`open` are the open incidents, by page or link; `seen` counts what came up."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.silences = Silences()
        self.owed: dict[Key, Owed] = {}
        self.moments: dict[str, list[Moment]] = {}
        self.open: dict[str, Incident] = {}
        self.seen: Counter[str] = Counter()
        self._incidents = itertools.count(1)
        self._numbers = itertools.count()

    def incident(self, about: str, now: datetime) -> Incident:
        """The open incident of a page or link; a new one where there is none."""
        if about not in self.open:
            self.open[about] = Incident(next(self._incidents), about, now)
        return self.open[about]

    def owe(self, incident: Incident, key: Key, occasion: str, *, certain: bool = True) -> None:
        """Something is owed; `certain`: for all that can be known here."""
        owed = Owed(key, incident.number, occasion, key[6], next(self._numbers), certain)
        incident.owed.append(owed)
        self.owed[owed.key] = owed

    def tell(self, incident: Incident, occasion: Occasion, recipient: str, *, afresh: bool = False) -> None:
        """Nothing is told twice; what was dropped before it was told is no hindrance."""
        for channel in self.people.channels(recipient, occasion.page, occasion.now):
            mine = incident.of(recipient, channel)
            before = [self.stands(owed, occasion.now) for owed in mine if owed.occasion == occasion.name]
            if afresh or True not in before:
                key, certain = occasion.key(recipient, channel), afresh or None not in before
                self.owe(incident, key, occasion.name, certain=certain)
                self.seen["told again after it was dropped"] += False in before

    def owe_end(self, incident: Incident, kind: str, named: tuple[str, ...], revision: int, now: datetime) -> None:
        """Owe the end to those who were told, or may have been; whom a claim reached just now is not seen here."""
        told: dict[tuple[str, str], bool] = {}
        for owed in incident.owed:
            reached = owed.may_have_arrived or any(not each.outcome for each in owed.attempts)
            told[owed.recipient, owed.channel] = told.get((owed.recipient, owed.channel), False) or reached
        for (recipient, channel), certain in told.items():
            self.owe(incident, (incident.page, revision, kind, recipient, channel, named, now), kind, certain=certain)

    def note(self, about: str, moment: Moment) -> None:
        """Something stands so from now on."""
        self.moments.setdefault(about, []).append(moment)

    def absent(self, owed: Owed) -> None:
        """What was perhaps owed is not in the ledger: it was not."""
        del self.owed[owed.key]
        for incident in self.open.values():
            incident.owed = [each for each in incident.owed if each is not owed]

    def stands(self, owed: Owed, now: datetime) -> bool | None:
        """Whether a notice was told, or is still to be told; None where it may have been dropped, and nobody saw."""
        refused = bool(owed.recent) and owed.recent[-1].outcome in ("", "permanent")
        if owed.may_have_arrived or owed.discarded or refused:
            return True
        if owed.dropped is not None:
            return False
        since = max((owed.since, *(each.ended for each in owed.recent if each.ended)))
        moments = list(self.moments_between(owed.page, since + _INSTANT, now))
        people = self.people.between(owed.recipient, since, now)
        wanted = all(person is not None and person.wants(owed.channel) for person in people)
        held = any(self.silences.held(owed, moment, since, now) for moment in moments)
        return True if owed.certain and wanted and not held and all(map(truth_of(owed), moments)) else None

    def may_have_been_silenced(self, owed: Owed, now: datetime) -> bool:
        moments = self.moments_between(owed.page, owed.created, now)
        return owed.silenced or any(self.silences.held(owed, moment, owed.created, now) for moment in moments)

    def never_free(self, owed: Owed, start: datetime, end: datetime) -> bool:
        """Whether it was held back all the time in between."""
        moments = list(self.moments_between(owed.page, start, end))
        return bool(moments) and all(self.silences.held_throughout(owed, each, start, end) for each in moments)

    def may_be_told(self, owed: Owed, start: datetime, end: datetime) -> bool:
        """Whether, at some time in between, the recipient was there and wanted to be told of it by that channel."""
        people = (person for person in self.people.between(owed.recipient, start, end) if person is not None)
        return any(person.wants(owed.channel) and (person.always or owed.kind != FAILED) for person in people)

    def told(self, owed: Owed) -> bool:
        """Whether something earlier of the incident was, or may have been, received."""
        place = (owed.incident, owed.recipient, owed.channel)
        same_place = (each for each in self.owed.values() if (each.incident, each.recipient, each.channel) == place)
        return any(each.may_have_arrived for each in same_place if each.number < owed.number)

    def moments_between(self, page_id: str, start: datetime, end: datetime) -> Iterable[Moment]:
        """How a page stood at any time from one moment to another."""
        following: datetime | None = None
        for moment in reversed(self.moments.get(page_id, [])):
            if moment.since <= end and (following is None or following >= start):
                yield moment
            following = moment.since
            if moment.since < start:
                return
