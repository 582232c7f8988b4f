"""Keeping to what Slack takes: one message a second in a channel, and nothing while it asks to wait.

Nobody waits here: who has to is told how long, and comes back. Each is given an instant of its own, so that a hundred
messages for one channel come back one by one, and not all at once.
"""

from datetime import datetime, timedelta

STEP = timedelta(seconds=1)
_KEPT = 1024
_NOW = timedelta()


class Pace:
    """The pace of one workspace."""

    def __init__(self, step: timedelta = STEP) -> None:
        self._step = step
        self._closed_until: datetime | None = None
        self._last: dict[str, datetime] = {}
        self._next: dict[str, datetime] = {}
        self._given: dict[tuple[str, str], datetime] = {}

    def close(self, until: datetime) -> None:
        """Let nothing through until then."""
        self._closed_until = max(until, self._closed_until or until)

    def closed_for(self, now: datetime) -> timedelta:
        """Tell how long nothing may be asked of the workspace; zero where it may."""
        return _NOW if self._closed_until is None else max(self._closed_until - now, _NOW)

    def wait(self, channel: str, message_id: str, now: datetime) -> timedelta:
        """Tell how long a message has to wait before it may be posted; zero: it may, and counts as posted.

        Who comes back in the second that it was given is let through as soon as the one before it was a second ago; who
        comes later than that has lost its place.
        """
        given = self._given.pop((channel, message_id), None)
        last = self._last.get(channel)
        free = now if last is None else max(last + self._step, now)
        at = free if given is not None and now < given + self._step else max(self._next.get(channel, free), free)
        at = at if given is None else max(at, given)
        self._next[channel] = max(self._next.get(channel, at), at + self._step)
        if at <= now:
            self._last[channel] = now
        else:
            self._given[channel, message_id] = at
        self._prune(now)
        return at - now

    def answered(self, channel: str, now: datetime) -> None:
        """Count a channel's second from when Slack had the message at the latest, however long it was on its way."""
        self._last[channel] = now

    def _prune(self, now: datetime) -> None:
        """Drop what delays nothing any more, once much of it has gathered."""
        if len(self._last) > _KEPT:
            self._last = {channel: at for channel, at in self._last.items() if at + self._step > now}
        if len(self._next) > _KEPT:
            self._next = {channel: at for channel, at in self._next.items() if at > now}
        if len(self._given) > _KEPT:
            self._given = {key: at for key, at in self._given.items() if now < at + self._step}
