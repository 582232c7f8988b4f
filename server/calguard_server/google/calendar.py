"""Requests to the Calendar API, built by Google's client library and never sent by it.

One discovery resource is made from the document that ships with the library, without network or credentials; building
a request from it takes microseconds. The library's own transport (httplib2) blocks and is not thread-safe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec
from googleapiclient import discovery

from calguard_server.domain.causes import Capability
from calguard_server.engine.ports.appointment_calendars import EntryDraft
from calguard_server.engine.ports.provider import ProviderCalendar
from calguard_server.google.answers import Answer, Call, Endpoint
from calguard_server.google.bodies import list_in, text_in
from calguard_server.google.options import GoogleOptions

PAGE_SIZE = 250
"""The most that calendarList.list answers at once."""

EVENTS_PAGE_SIZE = 2_500
"""The most that events.list answers at once."""

EVENT_FIELDS = "kind,accessRole,nextPageToken,items(status,transparency,eventType)"
"""What is read of a page of events: nothing of what they are about."""

EVENT_MARK = "calguardEventId"
"""The private property by which an event of ours is known: it holds the event's id."""

MOST_CALENDARS = 50
"""The most that a freebusy query may name (`calendarExpansionMax`)."""


_ANY_CALENDAR = "0-any-calendar-0"
"""Stands for a calendar's id in the request that is built once. Building took a fifth of a check's time."""


class _NoTransport:
    """Stands where the library wants its transport, so that it neither makes one nor looks for credentials."""


@dataclass(frozen=True, slots=True)
class _Status:
    """As much of an answer's head as the library reads of a success."""

    status: int


class ApiRequest(msgspec.Struct, frozen=True):
    """A call, and the library's HttpRequest for it; where `uri` or `body` are set, they stand for the request's own.

    The headers are as yet without an authorization.
    """

    call: Call
    built: Any
    uri: str = ""
    body: bytes = b""

    @property
    def address(self) -> str:
        """Where it goes."""
        return self.uri or str(self.built.uri)

    @property
    def content_sent(self) -> str | bytes | None:
        """What is sent."""
        return self.body or self.built.body

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, as yet without an authorization."""
        headers: Mapping[str, str] = self.built.headers
        return headers

    def content(self, answer: Answer) -> object:
        """Let the library read a success that was judged to be one."""
        content: object = self.built.postproc(_Status(answer.status), answer.body)
        return content


class CalendarRequests:
    """Builds requests."""

    def __init__(self, options: GoogleOptions) -> None:
        service = discovery.build(
            "calendar",
            "v3",
            http=_NoTransport(),
            cache_discovery=False,
            static_discovery=True,
            client_options={"api_endpoint": options.api_endpoint},
        )
        self._calendar_list = service.calendarList()
        self._events = service.events()
        self._get_calendar = self._calendar_list.get(calendarId=_ANY_CALENDAR)
        self._free_busy = service.freebusy().query(body={})

    def list_calendars(self, page_token: str) -> ApiRequest:
        """Ask for a page of the calendar list, the first where the token is empty."""
        built = self._calendar_list.list(maxResults=PAGE_SIZE, pageToken=page_token or None)
        return ApiRequest(Call(Endpoint.LIST_CALENDARS), built)

    def add_calendar(self, calendar_id: str) -> ApiRequest:
        """Ask for the calendar list's entry of the calendar to add to, which tells the access role."""
        call = Call(Endpoint.GET_CALENDAR, (calendar_id,), Capability.ADD)
        uri = self._get_calendar.uri.replace(_ANY_CALENDAR, quote(calendar_id, safe=""))
        return ApiRequest(call, self._get_calendar, uri=uri)

    def free_busy(self, calendar_ids: Sequence[str], start: datetime, end: datetime) -> ApiRequest:
        """Ask when calendars are busy. The times have an offset."""
        items = [{"id": calendar_id} for calendar_id in calendar_ids]
        body = msgspec.json.encode({"timeMin": start, "timeMax": end, "items": items})
        call = Call(Endpoint.FREE_BUSY, tuple(calendar_ids), Capability.CHECK)
        return ApiRequest(call, self._free_busy, body=body)

    def list_events(self, calendar_id: str, start: datetime, end: datetime, page_token: str) -> ApiRequest:
        """Ask for a page of the single events of a window, repeated ones each time, and for how each is marked only."""
        built = self._events.list(
            calendarId=calendar_id,
            timeMin=start.isoformat(),
            timeMax=end.isoformat(),
            singleEvents=True,
            maxResults=EVENTS_PAGE_SIZE,
            pageToken=page_token or None,
            fields=EVENT_FIELDS,
        )
        return ApiRequest(Call(Endpoint.LIST_EVENTS, (calendar_id,), Capability.CHECK), built)

    def insert_event(self, draft: EntryDraft) -> ApiRequest:
        """Ask for an event to be written. Google invites those who take part, in its own words."""
        built = self._events.insert(calendarId=draft.calendar_id, body=event_of(draft), sendUpdates="all")
        return ApiRequest(Call(Endpoint.INSERT_EVENT, (draft.calendar_id,), Capability.ADD), built)

    def get_event(self, calendar_id: str, event_id: str) -> ApiRequest:
        """Ask whether an event is there, and whether it is ours."""
        built = self._events.get(calendarId=calendar_id, eventId=event_id, fields="kind,status,extendedProperties")
        return ApiRequest(Call(Endpoint.GET_EVENT, (calendar_id,), Capability.ADD), built)

    def delete_event(self, calendar_id: str, event_id: str) -> ApiRequest:
        """Ask for an event to be deleted. Google tells those who take part."""
        built = self._events.delete(calendarId=calendar_id, eventId=event_id, sendUpdates="all")
        return ApiRequest(Call(Endpoint.DELETE_EVENT, (calendar_id,), Capability.ADD), built)


def event_of(draft: EntryDraft) -> dict[str, Any]:
    """Answer an appointment as the Calendar API has events. It is busy time, and the calendar's own reminders hold."""
    return {
        "id": draft.event_id,
        "summary": draft.title,
        "start": {"dateTime": draft.time.start.isoformat(), "timeZone": draft.time_zone},
        "end": {"dateTime": draft.time.end.isoformat(), "timeZone": draft.time_zone},
        "attendees": [
            {"email": each.email, **({"displayName": each.display_name} if each.display_name else {})}
            for each in draft.attendees
        ],
        "extendedProperties": {"private": {EVENT_MARK: draft.event_id}},
    }


def batches(calendar_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Cut calendars, each once, into as many queries as are needed."""
    each_once = tuple(dict.fromkeys(calendar_ids))
    return [each_once[start : start + MOST_CALENDARS] for start in range(0, len(each_once), MOST_CALENDARS)]


def calendars_of(content: object) -> list[ProviderCalendar]:
    """Read the calendars of a page of the list."""
    return [
        ProviderCalendar(
            id=text_in(item, "id"),
            summary=text_in(item, "summaryOverride") or text_in(item, "summary"),
            access_role=text_in(item, "accessRole"),
            primary=isinstance(item, dict) and item.get("primary") is True,
        )
        for item in list_in(content, "items") or []
    ]
