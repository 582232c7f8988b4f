"""freeBusy: when calendars are busy, or, in the same answer of 200, why that cannot be said."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from calguard_sandbox.google import times
from calguard_sandbox.google.access import Caller, authorise, calendar_id_of
from calguard_sandbox.google.errors import bad_request
from calguard_sandbox.google.partial import partial_answer
from calguard_sandbox.google.recurrence import occurrences
from calguard_sandbox.google.state import GoogleState

MOST_CALENDARS = 50
LONGEST_WINDOW = timedelta(days=90)
"""Google documents no number; about three months are refused."""


class FreeBusyEndpoint:
    """POST freeBusy."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def query(self, request: web.Request) -> web.Response:
        """Busy times by calendar, merged; a calendar that cannot be read has `errors` and an empty `busy`."""
        caller = authorise(self._state, request, "freebusy")
        body = await json_object(request)
        start, end = _window(body)
        ids = requested_ids(body)
        if len(ids) > min(_expansion(body), MOST_CALENDARS):
            calendars = {calendar_id: _error("tooManyCalendarsRequested") for calendar_id in ids}
        else:
            calendars = {calendar_id: self._entry(caller, calendar_id, start, end) for calendar_id in ids}
        answer = {"kind": "calendar#freeBusy", "timeMin": times.text(start), "timeMax": times.text(end)}
        return partial_answer(request, {**answer, "calendars": calendars})

    def _entry(self, caller: Caller, requested: str, start: datetime, end: datetime) -> dict[str, Any]:
        calendar_id = calendar_id_of(caller.user, requested)
        if calendar_id not in caller.user.access:
            return _error("notFound")
        listed = self._state.calendar(calendar_id).events.values()
        events = [event for event in listed if event.blocks and not event.declined_in(calendar_id)]
        busy = [(single.start, single.end) for event in events for single in occurrences(event, start, end)]
        return {"busy": [{"start": times.text(first), "end": times.text(last)} for first, last in merged(busy)]}


async def json_object(request: web.Request) -> dict[str, Any]:
    """The body as a JSON object; 400 parseError otherwise."""
    try:
        body = await request.json()
    except ValueError as error:
        raise bad_request("parseError", "Parse Error") from error
    if not isinstance(body, dict):
        raise bad_request("parseError", "Parse Error")
    return body


def requested_ids(body: Mapping[str, Any]) -> list[str]:
    """The calendars that a query names, once each, in order."""
    items = body.get("items")
    named = [item.get("id") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return list(dict.fromkeys(str(name) for name in named if name))


def merged(spans: list[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The spans in order, those that touch made one."""
    result: list[tuple[datetime, datetime]] = []
    for start, end in sorted(spans):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _window(body: Mapping[str, Any]) -> tuple[datetime, datetime]:
    for name in ("timeMin", "timeMax"):
        if not body.get(name):
            raise bad_request("required", f"Missing {name} parameter.")
    start, end = times.instant(body["timeMin"]), times.instant(body["timeMax"])
    if start >= end:
        raise bad_request("timeRangeEmpty", "The specified time range is empty.")
    if end - start > LONGEST_WINDOW:
        raise bad_request("timeRangeTooLong", "The requested time range is too long.")
    return start, end


def _expansion(body: Mapping[str, Any]) -> int:
    asked = body.get("calendarExpansionMax", MOST_CALENDARS)
    if not isinstance(asked, int) or not 0 < asked <= MOST_CALENDARS:
        raise bad_request("invalid", "Invalid value for calendarExpansionMax")
    return asked


def _error(reason: str) -> dict[str, Any]:
    return {"errors": [{"domain": "global", "reason": reason}], "busy": []}
