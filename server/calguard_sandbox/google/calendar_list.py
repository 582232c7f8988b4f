"""calendarList: the calendars that a user sees, and the role it has on each."""

from typing import Any

from aiohttp import web

from calguard_sandbox.google.access import Caller, authorise, find_calendar
from calguard_sandbox.google.paging import page_of
from calguard_sandbox.google.partial import partial_answer
from calguard_sandbox.google.state import GoogleState

DEFAULT_PAGE, LARGEST_PAGE = 100, 250


class CalendarListEndpoints:
    """users/me/calendarList."""

    def __init__(self, state: GoogleState) -> None:
        self._state = state

    async def list(self, request: web.Request) -> web.Response:
        """A page of the list, the primary calendar first."""
        caller = authorise(self._state, request, "calendarlist.list")
        ids = sorted(caller.user.access, key=lambda calendar_id: (calendar_id != caller.user.email, calendar_id))
        page, next_token = page_of(ids, request.query, default=DEFAULT_PAGE, largest=LARGEST_PAGE)
        body: dict[str, Any] = {
            "kind": "calendar#calendarList",
            "etag": '"sandbox"',
            "items": [self._entry(caller, calendar_id) for calendar_id in page],
        }
        if next_token:
            body["nextPageToken"] = next_token
        return partial_answer(request, body)

    async def get(self, request: web.Request) -> web.Response:
        """One entry; 404 for a calendar that the user does not see."""
        caller = authorise(self._state, request, "calendarlist.get")
        calendar = find_calendar(self._state, caller, request.match_info["calendarId"])
        return partial_answer(request, self._entry(caller, calendar.id))

    def _entry(self, caller: Caller, calendar_id: str) -> dict[str, Any]:
        calendar = self._state.calendar(calendar_id)
        entry = {
            "kind": "calendar#calendarListEntry",
            "etag": '"sandbox"',
            "id": calendar.id,
            "summary": calendar.summary,
            "timeZone": calendar.time_zone,
            "accessRole": caller.role(calendar_id),
            "selected": True,
            "defaultReminders": [],
        }
        return {**entry, "primary": True} if calendar_id == caller.user.email else entry
