"""Google's side of the world, and the acts that change it behind an app's back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from calguard_sandbox.errors import BadFieldError, NotKnownError
from calguard_sandbox.google import times
from calguard_sandbox.google.accounts import ROLES, Calendar, Event, User
from calguard_sandbox.google.errors import ApiError
from calguard_sandbox.google.grants import Client, Grants
from calguard_sandbox.google.recurrence import rule_of
from calguard_sandbox.options import CLIENT_ID, CLIENT_SECRET
from calguard_sandbox.sources import Ids, Now, stable_number

TEAM = "team@group.calendar.google.com"
HOLIDAYS = "en.usa#holiday@group.v.calendar.google.com"
SEEDED_USERS = {"ann@example.com": "Ann Ito", "ben@example.com": "Ben Sato"}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Busy:
    """A stretch of time to put in a calendar; a `transparent` one is marked Free and blocks nothing.

    Of dates that are no times it takes all day, in the calendar's zone, from the first to before the last. `recurrence`
    is an RRULE as events have it, such as `RRULE:FREQ=WEEKLY;COUNT=3`; empty: once. `declined`: by the person whose
    primary calendar it is in.
    """

    start: date
    end: date
    transparent: bool = False
    recurrence: str = ""
    declined: bool = False


class GoogleState:
    """Users, calendars, clients and grants. E-mail addresses are compared in lower case.

    Every method raises NotKnownError for a user, calendar or client that does not exist, and BadFieldError for
    a value that cannot be.
    """

    def __init__(self, now: Now, ids: Ids) -> None:
        self.now = now
        self.ids = ids
        self.users: dict[str, User] = {}
        self.calendars: dict[str, Calendar] = {}
        self.clients: dict[str, Client] = {}
        self.grants = Grants(now, ids)
        self.reset()

    def reset(self) -> None:
        """Back to the seeded users, each with a primary calendar, Team (writer) and Holidays (reader)."""
        for table in (self.users, self.calendars, self.clients):
            table.clear()
        self.grants.clear()
        self.clients[CLIENT_ID] = Client(CLIENT_ID, CLIENT_SECRET)
        self.calendars[TEAM] = Calendar(TEAM, "Team")
        self.calendars[HOLIDAYS] = Calendar(HOLIDAYS, "Holidays")
        for email, name in SEEDED_USERS.items():
            self.add_user(email, name)
            self.share(email, TEAM, "writer")
            self.share(email, HOLIDAYS, "reader")

    def user(self, email: str) -> User:
        """The user of that address, deleted ones included."""
        return _known(self.users, "Google user", email.lower())

    def calendar(self, calendar_id: str) -> Calendar:
        """The calendar of that id."""
        return _known(self.calendars, "calendar", calendar_id)

    def add_user(self, email: str, name: str = "") -> User:
        """A new account with its primary calendar, whose id is the address."""
        email = email.lower()
        if email in self.users or "@" not in email:
            raise BadFieldError("email", "taken already" if email in self.users else "not an e-mail address")
        self.users[email] = User(email, stable_number(email), name or email.partition("@")[0].title())
        self.add_calendar(email, email, summary=email)
        return self.users[email]

    def delete_account(self, email: str) -> None:
        """Delete the account at Google: its grants answer `Account has been deleted` until it is restored."""
        self.user(email).deleted = True

    def restore_account(self, email: str) -> None:
        """Undo delete_account()."""
        self.user(email).deleted = False

    def set_calendar_service(self, email: str, *, enabled: bool) -> None:
        """Turn the user's Calendar service on or off; off, every call answers notACalendarUser."""
        self.user(email).calendar_enabled = enabled

    def add_calendar(
        self, email: str, calendar_id: str, *, summary: str, role: str = "owner", time_zone: str = "UTC"
    ) -> Calendar:
        """A new calendar that this user sees with that role."""
        user = self.user(email)
        if calendar_id in self.calendars:
            raise BadFieldError("id", "taken already; share() it")
        user.access[calendar_id] = _role(role)
        calendar = Calendar(calendar_id, summary, time_zone)
        self.calendars[calendar_id] = calendar
        return calendar

    def remove_calendar(self, calendar_id: str) -> None:
        """Delete a calendar for everybody."""
        del self.calendars[self.calendar(calendar_id).id]
        for user in self.users.values():
            user.access.pop(calendar_id, None)

    def share(self, email: str, calendar_id: str, role: str = "reader") -> None:
        """Let a user see a calendar, or change the role it has there."""
        self.user(email).access[self.calendar(calendar_id).id] = _role(role)

    def unshare(self, email: str, calendar_id: str) -> None:
        """Take a calendar from a user's sight; the calendar and its events stay."""
        access = self.user(email).access
        _known(access, "calendar in this user's list", calendar_id)
        del access[calendar_id]

    def set_busy(self, calendar_id: str, busy: Iterable[Busy]) -> None:
        """Replace a calendar's events."""
        calendar = self.calendar(calendar_id)
        events = [self._busy_event(item, calendar) for item in busy]
        calendar.events = {event.id: event for event in events}

    def revoke(self, email: str, client_id: str = CLIENT_ID) -> bool:
        """Remove the app's access at Google; whether there was a live grant to end."""
        grant = self.grants.live_grant(self.user(email).email, client_id)
        if grant is None:
            return False
        grant.live = False
        return True

    def drop_scopes(self, email: str, scopes: Iterable[str], client_id: str = CLIENT_ID) -> None:
        """Take scopes from a live grant, as if their boxes had never been ticked."""
        grant = self.grants.live_grant(self.user(email).email, client_id)
        if grant is None:
            raise NotKnownError("live grant of", email)
        grant.scopes.difference_update(scopes)

    def expire_access_tokens(self, email: str | None = None) -> int:
        """Let access tokens expire now, one user's or everybody's; how many were good until then."""
        only = self.user(email).email if email else None
        good = [
            token
            for token in self.grants.access_tokens.values()
            if token.expires > self.now() and only in {None, token.grant.email}
        ]
        for token in good:
            token.expires = self.now()
        return len(good)

    def set_client(
        self, client_id: str = CLIENT_ID, *, deleted: bool | None = None, testing: bool | None = None
    ) -> None:
        """Delete, restore or move to Testing an OAuth client; None leaves a flag as it is."""
        client = _known(self.clients, "OAuth client", client_id)
        client.deleted = client.deleted if deleted is None else deleted
        client.testing = client.testing if testing is None else testing

    def _busy_event(self, busy: Busy, calendar: Calendar) -> Event:
        start, end = (times.instant_of(each, calendar.time_zone) for each in (busy.start, busy.end))
        if type(busy.start) is not type(busy.end) or start.tzinfo is None or end.tzinfo is None or start >= end:
            raise BadFieldError("busy", "start must come before end: two dates, or two times with an offset from UTC")
        event_id = self.ids.token("event", 26)
        resource = {
            "summary": "Busy",
            "transparency": "transparent" if busy.transparent else "opaque",
            **({"recurrence": [busy.recurrence]} if busy.recurrence else {}),
            **({"attendees": [{"email": calendar.id, "responseStatus": "declined"}]} if busy.declined else {}),
            **times.event_times(busy.start, busy.end),
        }
        _require_rule(resource)
        return Event(event_id, start, end, resource)


def _require_rule(resource: dict[str, Any]) -> None:
    try:
        rule_of(resource)
    except ApiError as error:
        raise BadFieldError("busy", "recurrence must be such as RRULE:FREQ=DAILY;COUNT=3") from error


def _known(table: Mapping[str, T], kind: str, key: str) -> T:
    if key not in table:
        raise NotKnownError(kind, key)
    return table[key]


def _role(role: str) -> str:
    if role not in ROLES:
        raise BadFieldError("role", f"expected one of {', '.join(ROLES)}")
    return role
