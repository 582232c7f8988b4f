"""Writing appointments to calendars, and deleting them: what is asked twice is there once, and gone once.

1. An insert carries an id of our own. Where that id is taken, the event is looked at: ours, and not deleted, is as good
   as written, also where somebody has moved it since. Any other keeps the id for good, as Google does of deleted ones.
2. A 404 of a delete says that the event is not there, or that the calendar is not visible: the calendar list tells.
"""

from calguard_server.domain.causes import CauseReason
from calguard_server.engine.ports.appointment_calendars import EntryDraft
from calguard_server.engine.ports.provider_errors import EventIdTakenError, ProviderFailureError
from calguard_server.google.answers import Outcome
from calguard_server.google.bodies import object_in, text_in
from calguard_server.google.calendar import EVENT_MARK, CalendarRequests
from calguard_server.google.session import GrantSession


async def write_entry(session: GrantSession, requests: CalendarRequests, draft: EntryDraft) -> None:
    """Write an event. Raises ProviderFailureError, EventIdTakenError."""
    verdict, _ = await session.send(requests.insert_event(draft))
    if verdict.outcome is not Outcome.ID_TAKEN:
        return
    request = requests.get_event(draft.calendar_id, draft.event_id)
    _, answer = await session.send(request)
    if not _stands(request.content(answer), draft.event_id):
        raise EventIdTakenError


async def delete_entry(session: GrantSession, requests: CalendarRequests, calendar_id: str, event_id: str) -> None:
    """Delete an event. Raises ProviderFailureError."""
    try:
        await session.send(requests.delete_event(calendar_id, event_id))
    except ProviderFailureError as failure:
        if failure.reason is not CauseReason.ADD_CALENDAR_NOT_VISIBLE:
            raise
        await _require_visible(session, requests, calendar_id)


def _stands(event: object, event_id: str) -> bool:
    private = object_in(object_in(event, "extendedProperties"), "private")
    return text_in(private, EVENT_MARK) == event_id and text_in(event, "status") != "cancelled"


async def _require_visible(session: GrantSession, requests: CalendarRequests, calendar_id: str) -> None:
    """Raise ProviderFailureError unless the calendar can be seen, in whatever role."""
    try:
        await session.send(requests.add_calendar(calendar_id))
    except ProviderFailureError as failure:
        if failure.reason is not CauseReason.CALENDAR_READ_ONLY:
            raise
