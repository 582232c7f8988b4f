"""Where people are in a Slack workspace, as far as it was asked.

1. Where a person's direct message channel is, is remembered for a day, and that there is no such person, for an hour.
2. So many people are remembered; the one that was not written to for longest is forgotten first.
"""

from collections import OrderedDict
from datetime import datetime, timedelta

from msgspec import Struct


class Known(Struct, frozen=True):
    """What is known of a person: the channel, or the error that said that there is none."""

    channel: str
    missing: str
    until: datetime


class People:
    """Keyed by user id or e-mail address; the case of an address does not matter."""

    def __init__(
        self, size_max: int, found_for: timedelta = timedelta(days=1), missing_for: timedelta = timedelta(hours=1)
    ) -> None:
        self._size_max = size_max
        self._found_for = found_for
        self._missing_for = missing_for
        self._known: OrderedDict[str, Known] = OrderedDict()

    def get(self, person: str, now: datetime) -> Known | None:
        """Answer what is still known of a person."""
        key = person.lower()
        known = self._known.get(key)
        if known is None or known.until <= now:
            self._known.pop(key, None)
            return None
        self._known.move_to_end(key)
        return known

    def found(self, person: str, channel: str, now: datetime) -> None:
        """Remember where a person is."""
        self._put(person, Known(channel, "", now + self._found_for))

    def missed(self, person: str, error: str, now: datetime) -> None:
        """Remember that there is no such person."""
        self._put(person, Known("", error, now + self._missing_for))

    def forget(self, person: str) -> None:
        """Ask anew the next time."""
        self._known.pop(person.lower(), None)

    def _put(self, person: str, known: Known) -> None:
        self._known[person.lower()] = known
        self._known.move_to_end(person.lower())
        if len(self._known) > self._size_max:
            self._known.popitem(last=False)
