"""Scopes: which there are, and which of them permits which method of the Calendar API.

Source: the API's discovery document (`scopes` of each method). Scopes for calendars that an app made itself
and for public ones are left out: the sandbox has neither.
"""

from collections.abc import Iterable

PREFIX = "https://www.googleapis.com/auth/"
IDENTITY = {
    "openid": "openid",
    "email": f"{PREFIX}userinfo.email",
    "profile": f"{PREFIX}userinfo.profile",
    f"{PREFIX}userinfo.email": f"{PREFIX}userinfo.email",
    f"{PREFIX}userinfo.profile": f"{PREFIX}userinfo.profile",
}
CALENDAR_TITLES = {
    "calendar": "See, edit, share and permanently delete all the calendars that you can access",
    "calendar.readonly": "See and download any calendar that you can access",
    "calendar.calendarlist": "See, add and remove the calendars that you are subscribed to",
    "calendar.calendarlist.readonly": "See the list of calendars that you are subscribed to",
    "calendar.freebusy": "View your availability in your calendars",
    "calendar.events": "View and edit events on all your calendars",
    "calendar.events.readonly": "View events on all your calendars",
    "calendar.events.freebusy": "See the availability on calendars that you can access",
    "calendar.events.owned": "See, create, change and delete events on calendars that you own",
    "calendar.events.owned.readonly": "See the events on calendars that you own",
    "calendar.settings.readonly": "View your calendar settings",
}
_READS_EVENTS = (
    "calendar",
    "calendar.readonly",
    "calendar.events",
    "calendar.events.readonly",
    "calendar.events.freebusy",
    "calendar.events.owned",
    "calendar.events.owned.readonly",
)
_WRITES_EVENTS = ("calendar", "calendar.events", "calendar.events.owned")
_READS_LIST = ("calendar", "calendar.readonly", "calendar.calendarlist", "calendar.calendarlist.readonly")
METHODS = {
    "calendarlist.list": ("calendar.v3.CalendarList.List", _READS_LIST),
    "calendarlist.get": ("calendar.v3.CalendarList.Get", _READS_LIST),
    "freebusy": (
        "calendar.v3.Freebusy.Query",
        ("calendar", "calendar.readonly", "calendar.freebusy", "calendar.events.freebusy"),
    ),
    "events.list": ("calendar.v3.Events.List", _READS_EVENTS),
    "events.get": ("calendar.v3.Events.Get", _READS_EVENTS),
    "events.insert": ("calendar.v3.Events.Insert", _WRITES_EVENTS),
    "events.delete": ("calendar.v3.Events.Delete", _WRITES_EVENTS),
}
_OWNED_ONLY = frozenset({"calendar.events.owned", "calendar.events.owned.readonly"})


def known(scope: str) -> bool:
    """Whether Google's consent page would accept it."""
    return scope in IDENTITY or is_calendar(scope)


def is_calendar(scope: str) -> bool:
    """Whether it is a calendar scope, which gets a checkbox of its own."""
    return scope.startswith(PREFIX) and scope.removeprefix(PREFIX) in CALENDAR_TITLES


def title(scope: str) -> str:
    """What the consent page says of a calendar scope."""
    return CALENDAR_TITLES[scope.removeprefix(PREFIX)]


def granted_names(scopes: Iterable[str]) -> tuple[str, ...]:
    """The scopes as the token endpoint names them (`email` becomes a URL), in order, once each."""
    return tuple(dict.fromkeys(IDENTITY.get(scope, scope) for scope in scopes))


def permitting(endpoint: str, scopes: Iterable[str]) -> frozenset[str]:
    """Those of the scopes, without prefix, that permit the method; empty when none does."""
    _, permitted = METHODS[endpoint]
    return frozenset(scope.removeprefix(PREFIX) for scope in scopes) & frozenset(permitted)


def owned_calendars_only(permitted: frozenset[str]) -> bool:
    """Whether what permits the method reaches no further than calendars that the user owns."""
    return permitted <= _OWNED_ONLY
