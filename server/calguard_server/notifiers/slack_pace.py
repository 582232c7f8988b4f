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

        Who comes back in the second that it was given goes; who comes too late is given another one.
        """
        key = (channel, message_id)
        given = self._given.pop(key, None)
        if given is not None and given <= now < given + self._step:
            return _NOW
        if given is not None and now < given:
            self._given[key] = given
            return given - now
        free = max(self._next.get(channel, now), now)
        self._next[channel] = free + self._step
        if free > now:
            self._given[key] = free
        self._prune(now)
        return free - now

    def _prune(self, now: datetime) -> None:
        """Drop what delays nothing any more, once much of it has gathered."""
        if len(self._next) > _KEPT:
            self._next = {channel: at for channel, at in self._next.items() if at > now}
        if len(self._given) > _KEPT:
            self._given = {key: at for key, at in self._given.items() if now < at + self._step}
