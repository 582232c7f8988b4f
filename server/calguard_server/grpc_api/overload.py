"""When calls are turned away because those before them wait too long to be taken up.

Calls that nobody has taken up wait within gRPC, first come, first served, and out of this process's sight: what is
under way here stays small, however long that queue is. So the queue is measured by a call of the server's own that
waits in it (`queue_probe`).

A queue that is long for a moment is a burst, and is worked off. One that stays long only makes everybody wait: then
calls are refused, which takes less than serving them, whenever the wait is above the target, until it has stayed below.
That is the idea of CoDel (RFC 8289), with a share of calls left to chance by neither.
"""

from dataclasses import dataclass

_FEW = 128


@dataclass(frozen=True, slots=True)
class OverloadOptions:
    """Calls may wait for `target` seconds, and longer for `interval` seconds; a target of 0 turns none away.

    Where no more than `few` wait it is no overload, however slow they are: so many may be one caller's.
    """

    target: float = 0.05
    interval: float = 0.1
    few: int = _FEW


class Overload:
    """Decides whether calls are turned away, by how long calls wait. `long` tells whether the queue is, right now."""

    def __init__(self, options: OverloadOptions) -> None:
        self._options = options
        self.long = False
        self._since = 0.0
        self._overloaded = False

    @property
    def refuses(self) -> bool:
        """Whether a call that comes now is to be turned away."""
        return self._overloaded and self.long

    def note(self, wait: float, calls_a_second: float, now: float) -> None:
        """Note how many seconds a call waited, or has waited by now, and how many calls a second are taken up."""
        options = self._options
        long = 0 < options.target < wait and wait * calls_a_second > options.few
        if long != self.long:
            self.long, self._since = long, now
        if now - self._since >= options.interval:
            self._overloaded = long
