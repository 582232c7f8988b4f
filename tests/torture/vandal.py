"""Somebody who deletes events of ours in calendars, as people do."""

import random

from calguard_sandbox.google.state import GoogleState
from tests.crash.booked import Event


class Vandal:
    """`deleted` are the events that are gone by hand."""

    def __init__(self, google: GoogleState, titles: str, chance: random.Random) -> None:
        self.deleted: set[Event] = set()
        self._google = google
        self._titles = titles
        self._chance = chance

    def delete_one(self) -> None:
        """Delete one of the events that begin so, where there is any."""
        found = [
            (calendar.id, event)
            for calendar in self._google.calendars.values()
            for event in calendar.events.values()
            if not event.cancelled and str(event.resource["summary"]).startswith(self._titles)
        ]
        if not found:
            return
        calendar_id, event = self._chance.choice(found)
        event.cancelled = True
        self.deleted.add((calendar_id, str(event.resource["summary"]), event.start, event.end))
