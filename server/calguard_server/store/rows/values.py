"""Times, lists and rows. Times are microseconds since 1970 in UTC; lists are JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000


def to_micros(time: datetime) -> int:
    """Write a time."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Read a time."""
    return _EPOCH + timedelta(0, micros // _SECOND, micros % _SECOND)


def optional_micros(time: datetime | None) -> int | None:
    """Write a time that may not be set."""
    return None if time is None else to_micros(time)


def optional_time(micros: int | None) -> datetime | None:
    """Read a time that may not be set."""
    return None if micros is None else from_micros(micros)


@lru_cache(maxsize=4096)
def to_list(texts: tuple[str, ...]) -> str:
    """Write a list of texts; the same lists, of scopes above all, come up again and again."""
    return json.dumps(texts)


@lru_cache(maxsize=4096)
def from_list(text: str) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(json.loads(text)) if text != "[]" else ()
