"""Token buckets: how often somebody may, on average, and how much at once.

A bucket is kept as the time at which it will be full again, which says the same as its level does (GCRA). One that is
full needs not be kept.
"""

from collections.abc import Callable

_KEPT_LEAST = 1_000


class TokenBuckets:
    """A bucket for each name, of `burst` tokens, filled at `rate` a second. `timer` answers seconds that only grow."""

    def __init__(self, rate: float, burst: int, timer: Callable[[], float]) -> None:
        self._token = 1 / rate
        self._size = burst / rate
        self._timer = timer
        self._full_at: dict[str, float] = {}
        self._kept_most = _KEPT_LEAST

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str) -> float:
        """Take a token, and answer 0; where there is none, answer in how many seconds there will be."""
        now = self._timer()
        full_at = max(self._full_at.get(name, now), now) + self._token
        missing = full_at - now - self._size
        if missing > 1e-9:  # less is a float's error
            return missing
        self._full_at[name] = full_at
        if len(self._full_at) > self._kept_most:
            self._drop_full(now)
        return 0

    def _drop_full(self, now: float) -> None:
        """Done again once there are twice as many, so that it costs each call next to nothing."""
        self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}
        self._kept_most = max(_KEPT_LEAST, 2 * len(self._full_at))
