"""How durations are written in settings."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_LONGEST = timedelta(days=365)
_LONGEST_REQUEST = timedelta(minutes=1)  # several requests follow one another while an access token is still good


def parse_duration(text: object) -> object:
    """Read `250ms`, `15s`, `10m`, `24h` or `3d`."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("expected a duration such as 250ms, 15s, 10m, 24h or 3d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def show_duration(duration: timedelta) -> str:
    """Write a duration as it is read."""
    milliseconds = duration // timedelta(milliseconds=1)
    for unit, seconds in reversed(_UNITS.items()):
        size = round(seconds * 1000)
        if milliseconds % size == 0 and milliseconds >= size:
            return f"{milliseconds // size}{unit}"
    return "0s"


def at_most(longest: timedelta) -> Callable[[timedelta], timedelta]:
    """Make what refuses a longer duration."""

    def check(duration: timedelta) -> timedelta:
        if duration > longest:
            raise ValueError(f"expected a duration of at most {show_duration(longest)}")
        return duration

    return check


def _check_positive(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError("expected a duration longer than 0s")
    return duration


WaitDuration = Annotated[timedelta, BeforeValidator(parse_duration), AfterValidator(at_most(_LONGEST))]
Duration = Annotated[WaitDuration, AfterValidator(_check_positive)]
RequestDuration = Annotated[Duration, AfterValidator(at_most(_LONGEST_REQUEST))]
