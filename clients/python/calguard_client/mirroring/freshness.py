"""How old a mirror is: pure, told the times.

A stream that has caught up brings changes as they happen, and progress where nothing does, so each message shows that
the mirror is current. After a break the changes missed come first: they show the past, and count by the time at which
they were committed, until one is recent or a progress message says that nothing is missing.
"""

_RECENT_SECONDS = 5.0


class Freshness:
    """Keeps the time at which the mirror was last known to be current, in seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._current_at: float | None = None
        self._snapshot_at = 0.0
        self._caught_up = False

    def interrupted(self) -> None:
        """Note that the stream ended."""
        self._caught_up = False

    def snapshot_started(self, at: float) -> None:
        """Note that a snapshot is on its way: it shows how things stand now, however long it takes."""
        self._snapshot_at = at

    def snapshot_ended(self) -> None:
        """Note that the snapshot is whole."""
        self._current_at, self._caught_up = self._snapshot_at, True

    def progressed(self, at: float) -> None:
        """Note that nothing is missing."""
        self._current_at, self._caught_up = at, True

    def changed(self, at: float, age: float) -> None:
        """Note a change that was committed so many seconds ago, by two clocks that may differ a little."""
        self._caught_up = self._caught_up or age <= _RECENT_SECONDS
        shown = at if self._caught_up else at - age
        self._current_at = shown if self._current_at is None else max(self._current_at, shown)

    def seconds(self, at: float) -> float | None:
        """Answer for how long the mirror has not been known to be current; None before the first snapshot."""
        return None if self._current_at is None else max(0.0, at - self._current_at)
