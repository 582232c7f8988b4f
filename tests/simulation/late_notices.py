"""What docs/rules.md says of what is owed as time goes by, said once more: reminders, and what a silence held back.

The log does not tell of it, so it is taken note of as it is found; what is missing is looked for where nothing changed
for long enough.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulation.notice_book import NoticeBook
from tests.simulation.owed import ANOTHER, FAILED, REMINDER, STOPPED, Incident, Key, Moment, Owed

REMINDERS = (timedelta(minutes=8), timedelta(minutes=25), timedelta(hours=2))
"""As the simulated server is set up: histories do not last for days."""

LATE = timedelta(seconds=25)
"""How late it may be decided: whether something is due is looked at every few seconds."""

_READ = timedelta(milliseconds=200)
_MADE_UP = "after a silence"


@dataclass(frozen=True)
class Place:
    """Somebody, by a channel, and a time."""

    recipient: str
    channel: str
    now: datetime


class LateNotices:
    """Judges what is found."""

    def __init__(self, book: NoticeBook) -> None:
        self._book = book

    def found(self, key: Key) -> Owed | None:
        """Answer what a notice is by the rules; None where nobody owes it."""
        incident = self._book.open.get(key[0])
        if key not in self._book.owed and incident is not None:
            if key[2] == REMINDER:
                self._reminder(incident, key)
            elif key[2] in (STOPPED, ANOTHER, FAILED):
                self._after_a_silence(incident, key)
        return self._book.owed.get(key)

    # reminders

    def _reminder(self, incident: Incident, key: Key) -> None:
        """One that is due, to whom it concerns, for the first time."""
        _, _, _, recipient, channel, named, now = key
        after = _due(incident, now)
        occasion = f"{REMINDER} {after}"
        known = any(owed.occasion == occasion for owed in incident.of(recipient, channel))
        place = Place(recipient, channel, now)
        right = any(self._concerns(each, incident, place) and named == tuple(each.faulty) for each in self._seen(key))
        if right and after is not None and not known:
            self._book.owe(incident, key, occasion)
            self._book.seen["reminded"] += 1

    def not_reminded(self, now: datetime) -> list[tuple[str, timedelta, str, str]]:
        """Name who was to be reminded by now and was not; only where nothing changed while it was due."""
        missing = []
        for incident in self._book.open.values():
            for after in REMINDERS:
                due = incident.opened + after
                if incident.page.startswith("link ") or after in incident.reminded or now < due + LATE:
                    continue
                incident.reminded.add(after)
                told = {
                    (each.recipient, each.channel) for each in incident.owed if each.occasion == f"{REMINDER} {after}"
                }
                missing += [(incident.page, after, *each) for each in self._steadily_concerned(incident, due) - told]
        return missing

    def _steadily_concerned(self, incident: Incident, due: datetime) -> set[tuple[str, str]]:
        moments = list(self._book.moments_between(incident.page, due, due + LATE))
        if len(moments) != 1 or moments[0].view is None:
            return set()
        people = self._book.people
        return {
            (recipient, channel)
            for recipient in (moments[0].view.owner, *moments[0].faulty)
            for channel in people.channels(recipient, moments[0].view, due)
            if self._concerns(moments[0], incident, Place(recipient, channel, due))
            and people.steady(recipient, due, due + LATE)
        }

    # what a silence held back

    def _after_a_silence(self, incident: Incident, key: Key) -> None:
        """As it stands by then, for whom something was held back that was not made up for."""
        _, _, kind, recipient, channel, named, now = key
        place, mine = Place(recipient, channel, now), incident.of(recipient, channel)
        right = any(self._stands_so(each, incident, place, kind, named) for each in self._seen(key))
        if right and self._was_held_back(mine, now) and self._is_the_right_kind(mine, kind, now):
            self._book.owe(incident, key, _MADE_UP if kind == ANOTHER else kind)
            self._book.seen["told after a silence"] += 1

    def _was_held_back(self, mine: list[Owed], now: datetime) -> bool:
        """Whether something was, or may have been, since they were told of everything."""
        waits = False
        for owed in mine:
            if owed.kind != REMINDER and self._book.may_have_been_silenced(owed, now):
                waits = True
            elif owed.occasion in (STOPPED, FAILED, _MADE_UP):
                waits = False
        return waits

    def _is_the_right_kind(self, mine: list[Owed], kind: str, now: datetime) -> bool:
        """Whoever knows of the stop is told who is at fault besides; whoever does not, of the stop."""
        knows = [self._book.stands(owed, now) for owed in mine if owed.kind == STOPPED]
        if kind == STOPPED:
            return True not in knows
        return kind == FAILED or any(each is not False for each in knows)

    def not_made_up(self, now: datetime) -> list[tuple[str, str, str]]:
        """Name who was to be told of what a silence held back; only where nothing has changed for long enough."""
        missing = []
        for incident in self._book.open.values():
            moments = list(self._book.moments_between(incident.page, now - LATE, now))
            places = {(owed.recipient, owed.channel) for owed in incident.owed} if len(moments) == 1 else set()
            missing += [
                (incident.page, *each)
                for each in sorted(places)
                if self._lacks(incident, moments[0], Place(*each, now))
            ]
        return missing

    def _lacks(self, incident: Incident, moment: Moment, place: Place) -> bool:
        """Whether what was for somebody last was held back, is true, and has not been silenced for a while."""
        last, since = incident.of(place.recipient, place.channel)[-1], place.now - LATE
        if not last.silenced or last.kind == REMINDER or last.dropped is None or last.dropped > since:
            return False
        kind = STOPPED if moment.link is None else FAILED
        named = tuple(moment.faulty) if moment.link is None else (moment.link.account,)
        links = moment.link_ids if moment.link is None else (moment.link.id,)
        silences = self._book.silences
        silenced = any(
            silences.at_some_time(incident.page, place.recipient, (each,), since, place.now) for each in links
        )
        steady = self._book.people.steady(place.recipient, since, place.now)
        true = self._stands_so(moment, incident, place, kind, named) and not set(last.named).isdisjoint(named)
        return steady and true and not silenced

    # whom it concerns

    def _seen(self, key: Key) -> list[Moment]:
        """How things may have stood when it was decided."""
        moments = self._book.moments_between(key[0], key[6], key[6] + _READ)
        return [moment for moment in moments if moment.revision == key[1]]

    def _concerns(self, moment: Moment, incident: Incident, place: Place) -> bool:
        """Whether a stop would be told to somebody: the rule alone stops the page, and they own it or are at fault."""
        view = moment.view
        if view is None or moment.incident != incident.number or view.stop_cause != "CALENDAR_FAILURE":
            return False
        channels = self._book.people.channels(place.recipient, view, place.now)
        return place.recipient in (view.owner, *moment.faulty) and place.channel in channels

    def _stands_so(self, moment: Moment, incident: Incident, place: Place, kind: str, named: tuple[str, ...]) -> bool:
        if kind == FAILED:
            return self._fails(moment, place) and named == (place.recipient,)
        faulty = tuple(moment.faulty)
        names = named == faulty if kind == STOPPED else bool(named) and set(named) <= set(faulty)
        return names and self._concerns(moment, incident, place)

    def _fails(self, moment: Moment, place: Place) -> bool:
        person = self._book.people.at(place.recipient, place.now)
        asked = person is not None and person.always
        channels = self._book.people.channels(place.recipient, None, place.now)
        return moment.link is not None and moment.link.state == "FAILED" and asked and place.channel in channels


def _due(incident: Incident, now: datetime) -> timedelta | None:
    """The reminder whose time has just come: the last one, where several have."""
    due = [after for after in REMINDERS if incident.opened + after <= now]
    return due[-1] if due and now - incident.opened - due[-1] <= LATE else None
