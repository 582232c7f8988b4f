"""Waiting longer with each failure in a row."""

from datetime import timedelta

_DOUBLINGS_MAX = 16
"""Beyond these every cap in use is long reached; a duration that is doubled for ever would overflow."""


def doubled(base: timedelta, times: int, cap: timedelta) -> timedelta:
    """Double a duration so many times, up to a cap."""
    return min(base * (1 << min(times, _DOUBLINGS_MAX)), cap)
