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
    """Answer a calendar's busy time in UTC, in order, what touches put together; None where any of it is unreadable.

    A time without an offset, or an end before its start, is unreadable. An event of no length takes no time.
    """
    try:
        spans = msgspec.convert(entry.get("busy"), list[_Span])
        times = [(span.start.astimezone(UTC), span.end.astimezone(UTC)) for span in spans]
    except (msgspec.ValidationError, OverflowError):
        return None
    if any(start > end for start, end in times):
        return None
    return tuple(merged(Interval(start, end) for start, end in times if start < end))
