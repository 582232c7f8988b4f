"""Counting the events that are marked Free: those of a person, and not what Google itself puts there."""

from datetime import datetime

from calguard_server.engine.ports.provider import FreeEvents
from calguard_server.google.bodies import list_in, text_in
from calguard_server.google.calendar import CalendarRequests
from calguard_server.google.session import GrantSession

MOST_EVENT_PAGES = 4
"""Of 2,500 events each, for one calendar. Where there are more, what was counted says enough."""

MARKED_BY_GOOGLE = frozenset({"birthday", "workingLocation"})
"""Types of events that are Free by their nature: nobody has marked them so, and nobody should change them."""


async def count_free_events(
    session: GrantSession, requests: CalendarRequests, calendar_id: str, start: datetime, end: datetime
) -> FreeEvents:
    """Count page by page. Raises ProviderFailureError."""
    count, page_token, role = 0, "", ""
    for _ in range(MOST_EVENT_PAGES):
        request = requests.list_events(calendar_id, start, end, page_token)
        _, answer = await session.send(request)
        content = request.content(answer)
        count += sum(map(is_marked_free, list_in(content, "items") or []))
        role, page_token = text_in(content, "accessRole"), text_in(content, "nextPageToken")
        if not page_token:
            break
    return FreeEvents(count, bool(page_token), role)


def is_marked_free(event: object) -> bool:
    """Tell whether somebody has marked an event Free; one that is cancelled is none any more."""
    cancelled = text_in(event, "status") == "cancelled"
    by_google = text_in(event, "eventType") in MARKED_BY_GOOGLE
    return text_in(event, "transparency") == "transparent" and not cancelled and not by_google
