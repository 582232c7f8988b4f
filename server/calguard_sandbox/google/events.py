"""events: list, insert with one's own id, get and delete."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from calguard_sandbox.google import times
from calguard_sandbox.google.access import Caller, authorise, find_calendar
from calguard_sandbox.google.accounts import Calendar, Event
from calguard_sandbox.google.errors import ApiError, api_body, bad_request, not_found
from calguard_sandbox.google.freebusy import json_object
from calguard_sandbox.google.paging import page_of
from calguard_sandbox.google.partial import partial_answer
from calguard_sandbox.google.recurrence import occurrences, rule_of
from calguard_sandbox.google.state import GoogleState

DEFAULT_PAGE, LARGEST_PAGE = 250, 2500
_OWN_ID = re.compile(r"[a-v0-9]{5,1024}")


class EventEndpoints:
    """calendars/{calendarId}/events."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def list(self, request: web.Request) -> web.Response:
        """A page of events in start order: also cancelled ones, or the single ones of a series, where asked for."""
        caller = authorise(self._state, request, "events.list")
        calendar, role = self._readable(caller, request)
        if request.query.get("syncToken"):
            raise sync_token_gone()
        events = _wanted(calendar.events.values(), request.query)
        events.sort(key=lambda event: (event.start, event.id))
        page, next_token = page_of(events, request.query, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
        body: dict[str, Any] = {
            "kind": "calendar#events",
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "accessRole": role,
            "items": [event_json(event, role) for event in page],
        }
        if next_token:
            body["nextPageToken"] = next_token
        return partial_answer(request, body)

    async def get(self, request: web.Request) -> web.Response:
        """One event, a deleted one with `status: cancelled`."""
        caller = authorise(self._state, request, "events.get")
        calendar, role = self._readable(caller, request)
        return partial_answer(request, event_json(_event(calendar, request), role))

    async def insert(self, request: web.Request) -> web.Response:
        """A new event; 409 duplicate for an id that was ever used in this calendar."""
        caller = authorise(self._state, request, "events.insert")
        calendar = self._writable(caller, request)
        event = self._new_event(await json_object(request), calendar)
        if event.id in calendar.events:
            body = api_body(409, "duplicate", "The requested identifier already exists.")
            raise ApiError(409, body)
        calendar.events[event.id] = event
        return partial_answer(request, event_json(event, "owner"))

    async def delete(self, request: web.Request) -> web.Response:
        """204, and 410 deleted the second time."""
        caller = authorise(self._state, request, "events.delete")
        event = _event(self._writable(caller, request), request)
        if event.cancelled:
            raise ApiError(410, api_body(410, "deleted", "Resource has been deleted"))
        event.cancelled = True
        return web.Response(status=204)

    def _readable(self, caller: Caller, request: web.Request) -> tuple[Calendar, str]:
        calendar = find_calendar(self._state, caller, request.match_info["calendarId"])
        return calendar, caller.require_reach(calendar.id)

    def _writable(self, caller: Caller, request: web.Request) -> Calendar:
        calendar = find_calendar(self._state, caller, request.match_info["calendarId"])
        caller.require_writer(calendar.id)
        return calendar

    def _new_event(self, resource: dict[str, Any], calendar: Calendar) -> Event:
        event_id = resource.get("id") or self._state.ids.token("event", 26)
        if not isinstance(event_id, str) or not _OWN_ID.fullmatch(event_id):
            raise bad_request("invalid", "Invalid resource id value.")
        start = times.event_time(resource.get("start"), calendar.time_zone)
        end = times.event_time(resource.get("end"), calendar.time_zone)
        if end < start:
            raise bad_request("timeRangeEmpty", "The specified time range is empty.")
        rule_of(resource)
        attendees = resource.get("attendees") or []
        if not isinstance(attendees, list) or not all(isinstance(each, dict) for each in attendees):
            raise bad_request("invalid", "Invalid attendees.")
        return Event(event_id, start, end, resource)


def event_json(event: Event, role: str) -> dict[str, Any]:
    """The event as a reader of that role sees it: with free/busy access only its times.

    `transparency` is told where it is not the default, as by Google.
    """
    shown = {"eventType": "default", **event.resource}
    if role == "freeBusyReader":
        shown = {"visibility": "private", **{name: shown[name] for name in ("start", "end")}}
    if shown.get("transparency") == "opaque":
        del shown["transparency"]
    status = "cancelled" if event.cancelled else shown.get("status", "confirmed")
    return {"kind": "calendar#event", "etag": '"sandbox"', **shown, "id": event.id, "status": status}


def sync_token_gone() -> ApiError:
    """410: the sandbox keeps no history, so every sync token has expired."""
    return ApiError(
        410,
        api_body(
            410,
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
            domain="calendar",
            location="syncToken",
            locationType="parameter",
        ),
    )


def _event(calendar: Calendar, request: web.Request) -> Event:
    event = calendar.events.get(request.match_info["eventId"])
    if event is None:
        raise not_found()
    return event


def _wanted(events: Iterable[Event], query: Mapping[str, str]) -> list[Event]:
    start = times.instant(query["timeMin"]) if query.get("timeMin") else None
    end = times.instant(query["timeMax"]) if query.get("timeMax") else None
    if start is not None and end is not None and start >= end:
        raise bad_request("timeRangeEmpty", "The specified time range is empty.")
    kept = [event for event in events if not event.cancelled or query.get("showDeleted") == "true"]
    if query.get("singleEvents") == "true":
        return [single for event in kept for single in occurrences(event, start, end)]
    return [event for event in kept if any(occurrences(event, start, end))]
