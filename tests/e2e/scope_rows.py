"""Every RPC, with the request that names what is in a world, and what a scope means for it."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import Enum, auto

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from calguard.v1 import account_pb2 as accounts
from calguard.v1 import appointment_pb2 as appointments
from calguard.v1 import booking_page_pb2 as pages
from calguard.v1 import calendar_link_pb2 as links
from calguard.v1 import cause_pb2
from calguard.v1 import notification_pb2 as notices
from calguard.v1 import provider_pb2 as provider
from calguard.v1 import server_pb2 as server
from calguard.v1 import silence_pb2 as silences
from calguard.v1 import slack_workspace_pb2 as slack
from calguard.v1 import watch_pb2 as watch
from calguard_server.auth.callers import Role
from tests.e2e.scope_world import World

R, W, A = Role.READER, Role.WRITER, Role.ADMIN
STALE = "0000000000000000"
"""An etag that nothing has: what gets so far changes nothing."""


class Kind(Enum):
    """What a limited scope means for an RPC."""

    NAMES = auto()  # what it names has to be seen
    LISTS = auto()  # it answers what is seen only
    OPERATOR = auto()  # it takes a scope without limits


class Row:
    """The role that an RPC takes, its kind, and its request in a world."""

    def __init__(self, role: Role, kind: Kind, request: Callable[[World], Message]) -> None:
        self.role = role
        self.kind = kind
        self.request = request


def names(role: Role, request: Callable[[World], Message]) -> Row:
    return Row(role, Kind.NAMES, request)


def lists(request: Message) -> Row:
    return Row(R, Kind.LISTS, lambda _world: request)


def operator(role: Role, request: Message) -> Row:
    return Row(role, Kind.OPERATOR, lambda _world: request)


def page_of(world: World, **fields: object) -> pages.BookingPage:
    members = [pages.BookingPageMember(account_id=world.account)]
    mode = pages.SCHEDULING_MODE_ALL_MEMBERS
    whole = {"id": world.page, "owner_account_id": world.account, "title": "T", "scheduling_mode": mode}
    return pages.BookingPage(**(whole | {"members": members} | fields))


def window(world: World) -> appointments.QueryAvailabilityRequest:
    request = appointments.QueryAvailabilityRequest(booking_page_id=world.page)
    request.start_time.FromDatetime(world.start)
    request.end_time.FromDatetime(world.start + timedelta(hours=8))
    request.duration.FromTimedelta(timedelta(hours=1))
    return request


def assigned(world: World) -> appointments.AssignAppointmentRequest:
    request_id = "00000000-0000-4000-8000-0000000000aa"
    request = appointments.AssignAppointmentRequest(booking_page_id=world.page, title="T", request_id=request_id)
    request.start_time.FromDatetime(world.start)
    request.end_time.FromDatetime(world.start + timedelta(hours=1))
    return request


def silenced() -> silences.CreateSilenceRequest:
    request = silences.CreateSilenceRequest(silence=silences.Silence(account_id="ann", reason="a trial"))
    request.silence.end_time.seconds = 4_000_000_000
    return request


ROWS: Mapping[str, Row] = {
    "CreateAccount": names(
        W, lambda w: accounts.CreateAccountRequest(account=accounts.Account(id=w.account, display_name="A"))
    ),
    "GetAccount": names(R, lambda w: accounts.GetAccountRequest(id=w.account)),
    "ListAccounts": lists(accounts.ListAccountsRequest()),
    "UpdateAccount": names(
        W,
        lambda w: accounts.UpdateAccountRequest(
            account=accounts.Account(id=w.account, display_name="A", etag=STALE),
            update_mask=FieldMask(paths=["display_name"]),
        ),
    ),
    "DeleteAccount": names(W, lambda w: accounts.DeleteAccountRequest(id=w.account, etag=STALE)),
    "QueryAvailability": names(R, window),
    "AssignAppointment": names(W, assigned),
    "GetAppointment": names(R, lambda w: appointments.GetAppointmentRequest(id=w.appointment)),
    "ListAppointments": lists(appointments.ListAppointmentsRequest()),
    "CancelAppointment": names(W, lambda w: appointments.CancelAppointmentRequest(id=w.appointment)),
    "ReassignAppointment": names(W, lambda w: appointments.ReassignAppointmentRequest(id=w.appointment)),
    "CreateBookingPage": names(W, lambda w: pages.CreateBookingPageRequest(booking_page=page_of(w))),
    "GetBookingPage": names(R, lambda w: pages.GetBookingPageRequest(id=w.page)),
    "ListBookingPages": lists(pages.ListBookingPagesRequest()),
    "UpdateBookingPage": names(
        W,
        lambda w: pages.UpdateBookingPageRequest(
            booking_page=page_of(w, etag=STALE), update_mask=FieldMask(paths=["title"])
        ),
    ),
    "DeleteBookingPage": names(W, lambda w: pages.DeleteBookingPageRequest(id=w.page, etag=STALE)),
    "StopBookingPage": names(W, lambda w: pages.StopBookingPageRequest(id=w.page)),
    "ResumeBookingPage": names(W, lambda w: pages.ResumeBookingPageRequest(id=w.page)),
    "ExplainBookingPage": names(R, lambda w: pages.ExplainBookingPageRequest(id=w.page)),
    "BeginCalendarLink": names(W, lambda w: links.BeginCalendarLinkRequest(account_id=w.account)),
    "CompleteCalendarLink": names(W, lambda w: links.CompleteCalendarLinkRequest(state=w.state, error="access_denied")),
    "GetCalendarLink": names(R, lambda w: links.GetCalendarLinkRequest(id=w.link)),
    "ListCalendarLinks": lists(links.ListCalendarLinksRequest()),
    "ListCalendars": names(R, lambda w: links.ListCalendarsRequest(calendar_link_id=w.link)),
    "SelectCalendars": names(W, lambda w: links.SelectCalendarsRequest(id=w.link, etag=STALE)),
    "CheckCalendarLink": names(W, lambda w: links.CheckCalendarLinkRequest(id=w.link)),
    "DiagnoseCalendarLink": names(W, lambda w: links.DiagnoseCalendarLinkRequest(id=w.link)),
    "ReportCalendarFailure": names(
        W,
        lambda w: links.ReportCalendarFailureRequest(
            calendar_link_id=w.link, reason=cause_pb2.CAUSE_REASON_AUTHORIZATION_REVOKED
        ),
    ),
    "DisconnectCalendarLink": names(W, lambda w: links.DisconnectCalendarLinkRequest(id=w.link)),
    "DeleteCalendarLink": names(W, lambda w: links.DeleteCalendarLinkRequest(id=w.link, etag=STALE)),
    "GetNotification": names(R, lambda w: notices.GetNotificationRequest(id=w.notification)),
    "ListNotifications": lists(notices.ListNotificationsRequest()),
    "RetryNotification": names(A, lambda w: notices.RetryNotificationRequest(id=w.notification)),
    "DiscardNotification": names(A, lambda w: notices.DiscardNotificationRequest(id=w.notification)),
    "GetProviderStatus": operator(R, provider.GetProviderStatusRequest()),
    "GetServerStatus": operator(R, server.GetServerStatusRequest()),
    "CreateSilence": operator(A, silenced()),
    "ListSilences": operator(R, silences.ListSilencesRequest()),
    "DeleteSilence": operator(A, silences.DeleteSilenceRequest(id="none")),
    "PutSlackWorkspace": operator(A, slack.PutSlackWorkspaceRequest(id="w", bot_token="xoxb-none", etag=STALE)),
    "GetSlackWorkspace": operator(R, slack.GetSlackWorkspaceRequest(id="none")),
    "ListSlackWorkspaces": operator(R, slack.ListSlackWorkspacesRequest()),
    "DeleteSlackWorkspace": operator(A, slack.DeleteSlackWorkspaceRequest(id="none")),
    "Watch": lists(watch.WatchRequest()),
}
