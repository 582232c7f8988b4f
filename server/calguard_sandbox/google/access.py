"""Who calls the Calendar API, and what they may do."""

from dataclasses import dataclass

from aiohttp import web

from calguard_sandbox.google import scopes as scope_table
from calguard_sandbox.google.accounts import WRITER_ROLES, Calendar, User
from calguard_sandbox.google.errors import forbidden, not_found, scope_insufficient, unauthenticated
from calguard_sandbox.google.state import GoogleState


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, with what permits the method called."""

    user: User
    endpoint: str
    permitted: frozenset[str]

    def role(self, calendar_id: str) -> str:
        """The user's role on the calendar; 404 where it cannot see it."""
        role = self.user.access.get(calendar_id)
        if role is None:
            raise not_found()
        return role

    def require_reach(self, calendar_id: str) -> str:
        """The role, where the scopes reach the calendar at all: some reach only what the user owns."""
        role = self.role(calendar_id)
        if role != "owner" and scope_table.owned_calendars_only(self.permitted):
            raise insufficient(self.endpoint)
        return role

    def require_writer(self, calendar_id: str) -> None:
        """403 requiredAccessLevel below writer."""
        if self.require_reach(calendar_id) not in WRITER_ROLES:
            raise forbidden("requiredAccessLevel", "You need to have writer access to this calendar.")


def authorise(state: GoogleState, request: web.Request, endpoint: str) -> Caller:
    """The caller, or what Google answers: 401 for the token, 403 for its scopes, 403 where Calendar is off."""
    text = bearer(request)
    token = state.grants.valid_access(text)
    user = state.users.get(token.grant.email) if token else None
    if token is None or user is None or user.deleted:
        raise unauthenticated(token_sent=bool(text))
    permitted = scope_table.permitting(endpoint, token.permitted)
    if not permitted:
        raise insufficient(endpoint)
    if not user.calendar_enabled:
        raise forbidden("notACalendarUser", "The user must be signed up for Google Calendar.")
    return Caller(user, endpoint, permitted)


def insufficient(endpoint: str) -> Exception:
    """403 insufficientPermissions that names the scopes that would do."""
    method, scopes = scope_table.METHODS[endpoint]
    return scope_insufficient(method, [scope_table.PREFIX + scope for scope in scopes])


def bearer(request: web.Request) -> str:
    """The access token sent, in the header or the query; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.query.get("access_token", "")


def calendar_id_of(user: User, text: str) -> str:
    """The calendar that a request names: `primary` is the user's own address."""
    return user.email if text == "primary" else text


def find_calendar(state: GoogleState, caller: Caller, text: str) -> Calendar:
    """The calendar named, when the caller can see it; else 404."""
    calendar_id = calendar_id_of(caller.user, text)
    caller.role(calendar_id)
    return state.calendar(calendar_id)
