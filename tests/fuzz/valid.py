"""Requests that are right, for mutations to begin from."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import account_pb2 as accounts
from calguard.v1 import appointment_pb2 as appointments
from calguard.v1 import booking_page_pb2 as pages
from calguard.v1 import calendar_link_pb2 as links
from calguard.v1 import notification_pb2 as notices
from calguard.v1 import silence_pb2 as silences
from calguard.v1 import watch_pb2 as watch
from tests.e2e.bad_requests import HOOK, WHSEC, account, page
from tests.e2e.methods import METHODS

_BEGIN, _END = Timestamp(seconds=1_900_000_000), Timestamp(seconds=1_900_003_600)
_REQUEST_ID = "00000000-0000-4000-8000-000000000001"


def valid() -> list[tuple[str, bytes]]:
    """Each with the path of its method."""
    members = [pages.BookingPageMember(account_id="ann", priority=3)]
    hook = accounts.Webhook(url=HOOK, secret=WHSEC)
    requests: list[Message] = [
        accounts.CreateAccountRequest(account=account(id="", email="zoe@example.com", webhook=hook)),
        accounts.UpdateAccountRequest(
            account=account(id="ben"), update_mask=FieldMask(paths=["display_name", "email"])
        ),
        accounts.ListAccountsRequest(page_size=10),
        pages.CreateBookingPageRequest(booking_page=page(id="", members=members), request_id=_REQUEST_ID),
        pages.UpdateBookingPageRequest(
            booking_page=page(id="page", members=members), update_mask=FieldMask(paths=["title", "members"])
        ),
        pages.ExplainBookingPageRequest(id="page", assume_faulty_account_ids=["ann"]),
        pages.StopBookingPageRequest(id="page"),
        pages.ResumeBookingPageRequest(id="page"),
        appointments.QueryAvailabilityRequest(
            booking_page_id="page", start_time=_BEGIN, end_time=_END, duration=Duration(seconds=1800)
        ),
        appointments.AssignAppointmentRequest(
            booking_page_id="page", start_time=_BEGIN, end_time=_END, title="Visit", request_id=_REQUEST_ID
        ),
        appointments.ListAppointmentsRequest(booking_page_id="page", start_time=_BEGIN, end_time=_END),
        links.BeginCalendarLinkRequest(account_id="ann", redirect_uri="https://app.example.com/back"),
        links.CompleteCalendarLinkRequest(state="s" * 43, code="4/0Ax"),
        links.SelectCalendarsRequest(id="the-link", check_calendar_ids=["ann@example.com"]),
        links.ReportCalendarFailureRequest(calendar_link_id="the-link", http_status=503, body="<html>"),
        links.ListCalendarsRequest(calendar_link_id="the-link"),
        notices.ListNotificationsRequest(account_id="ann", page_size=5),
        silences.CreateSilenceRequest(silence=silences.Silence(account_id="ann", end_time=_END, reason="Moving")),
        watch.WatchRequest(account_ids=["ann"], progress_interval=Duration(seconds=5), skip_snapshot=True),
    ]
    named = ((each.DESCRIPTOR.name.removesuffix("Request"), each.SerializeToString()) for each in requests)
    return [(METHODS[name].path, raw) for name, raw in named]
