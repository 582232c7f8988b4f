"""What a Google account holds: its calendars, the roles it has on them, and their events."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ROLES = ("freeBusyReader", "reader", "writerWithoutPrivateAccess", "writer", "owner")
WRITER_ROLES = frozenset({"writerWithoutPrivateAccess", "writer", "owner"})


@dataclass(slots=True)
class Event:
    """An event. `resource` is the API's JSON; a deleted event stays, cancelled, and keeps its id taken."""

    id: str
    start: datetime
    end: datetime
    resource: dict[str, Any] = field(default_factory=dict)
    cancelled: bool = False

    @property
    def blocks(self) -> bool:
        """Whether it makes its calendar busy: marked Free (`transparent`) or cancelled, it does not."""
        return not self.cancelled and self.resource.get("transparency", "opaque") == "opaque"

    def declined_in(self, calendar_id: str) -> bool:
        """Whether the person whose primary calendar it is in has declined it: then it makes nobody busy there."""
        attendees = self.resource.get("attendees") or ()
        return any(each.get("email") == calendar_id and each.get("responseStatus") == "declined" for each in attendees)

    def overlaps(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether any of it lies in the window; None leaves that side open."""
        return (start is None or self.end > start) and (end is None or self.start < end)


@dataclass(slots=True)
class Calendar:
    """A calendar, which any number of users may have access to."""

    id: str
    summary: str
    time_zone: str = "UTC"
    events: dict[str, Event] = field(default_factory=dict)


@dataclass(slots=True)
class User:
    """A Google account. `access` gives its role on each calendar that it can see."""

    email: str
    sub: str
    name: str
    access: dict[str, str] = field(default_factory=dict)
    deleted: bool = False
    calendar_enabled: bool = True
