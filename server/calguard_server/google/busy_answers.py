"""Reading busy time out of a free/busy answer: all of it, or nothing. What is not understood is never free."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from calguard_server.domain.intervals import Interval, merged
from calguard_server.google.bodies import JsonObject

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Span(msgspec.Struct):
    start: _Moment
    end: _Moment


def busy_in(entry: JsonObject) -> tuple[Interval, ...] | None:
    """Answer a calendar's busy time in UTC, in order, what touches put together.

    None where it cannot be read: without offsets, or with an end before its start. An event of no length takes no time.
    """
    times = []
    try:
        for each in msgspec.convert(entry.get("busy"), list[_Span]):
            start, end = _in_utc(each.start), _in_utc(each.end)
            if end < start:
                return None
            if start < end:
                times.append(Interval(start, end))
    except (msgspec.ValidationError, OverflowError):  # the latter for the first and last hours that there are
        return None
    return tuple(merged(times))


def _in_utc(time: datetime) -> datetime:
    return time if time.tzinfo is UTC else time.astimezone(UTC)
