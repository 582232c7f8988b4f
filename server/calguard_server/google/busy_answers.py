"""Reading busy time out of a free/busy answer: all of it, or nothing. What is not understood is never free."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from calguard_server.domain.intervals import Interval, merged
from calguard_server.google.bodies import JsonObject

_Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class _Span(msgspec.Struct):
    start: _Moment
    end: _Moment


def is_readable(entry: JsonObject) -> bool:
    """Tell whether a calendar's busy time can be read: it cannot without offsets, or with an end before its start."""
    return _spans_of(entry) is not None


def busy_in(entry: JsonObject) -> tuple[Interval, ...] | None:
    """Answer a calendar's busy time in UTC, in order, what touches put together; None where it cannot be read.

    An event of no length takes no time.
    """
    spans = _spans_of(entry)
    if spans is None:
        return None
    return tuple(merged(Interval(each.start, each.end) for each in spans if each.start < each.end))


def _spans_of(entry: JsonObject) -> Sequence[_Span] | None:
    try:
        spans = msgspec.convert(entry.get("busy"), list[_Span])
        for each in spans:
            if each.start.tzinfo is not UTC:
                each.start = each.start.astimezone(UTC)
            if each.end.tzinfo is not UTC:
                each.end = each.end.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):  # the latter for the first and last hours that there are
        return None
    return spans if all(each.start <= each.end for each in spans) else None
