"""Requests that are wrong in themselves: the method, the request, and the fields that the refusal must name."""

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import account_pb2 as accounts
from calguard.v1 import appointment_pb2 as appointments
from calguard.v1 import booking_page_pb2 as pages
from calguard.v1 import calendar_link_pb2 as links
from calguard.v1 import notification_pb2 as notices
from calguard.v1 import provider_pb2 as provider
from calguard.v1 import silence_pb2 as silences
from calguard.v1 import slack_workspace_pb2 as slack
from calguard.v1 import watch_pb2 as watch
from calguard.v1.slack_pb2 import SlackAddress

Row = tuple[str, Message, tuple[str, ...]]

BAD_ID, LONG_ID, LONG = "a b", "x" * 64, "x" * 3000
BAD_REQUEST_IDS = ("not-a-uuid", "00000000-0000-1000-8000-000000000000")


HOOK, WHSEC = "https://hooks.example/", "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LW9mLWFubg=="


def account(**fields: Any) -> accounts.Account:  # noqa: ANN401 - the message's fields
    return accounts.Account(**({"id": "zoe", "display_name": "Zoe"} | fields))


def page(**fields: Any) -> pages.BookingPage:  # noqa: ANN401 - the message's fields
    whole = {
        "id": "zoe-page",
        "owner_account_id": "ann",
        "title": "Zoe",
        "scheduling_mode": pages.SCHEDULING_MODE_ALL_MEMBERS,
    }
    return pages.BookingPage(**(whole | fields))


def _bad_accounts() -> list[tuple[accounts.Account, str]]:
    return [
        (account(id=BAD_ID), "account.id"),
        (account(id=LONG_ID), "account.id"),
        (account(id="-a"), "account.id"),
        (account(display_name=""), "account.display_name"),
        (account(display_name="   "), "account.display_name"),
        (account(display_name="x" * 201), "account.display_name"),
        (account(display_name="a\nb"), "account.display_name"),
        (account(display_name="a\u2028b"), "account.display_name"),
        (account(display_name="a\u202egnp.exe"), "account.display_name"),
        (account(display_name="\u200b\ufeff"), "account.display_name"),
        (account(email="nobody"), "account.email"),
        (account(email="a@example.com, b@example.com"), "account.email"),
        (account(email="a@example.com\r\nBcc: b@example.com"), "account.email"),
        (account(email=f"{'x' * 64}@{'y' * 60}.{'z' * 60}.{'w' * 60}.{'v' * 60}.com"), "account.email"),
        (account(locale="fr"), "account.locale"),
        (account(slack=SlackAddress(user_id="x" * 64)), "account.slack.user_id"),
        (account(slack=SlackAddress(channel_id="a\0b")), "account.slack.channel_id"),
        (account(slack=SlackAddress(channel_id="#general")), "account.slack.channel_id"),
        (account(slack=SlackAddress(user_id="@ann")), "account.slack.user_id"),
        (account(slack=SlackAddress(workspace_id=LONG)), "account.slack.workspace_id"),
        (account(webhook=accounts.Webhook(url="http://hooks.example/", secret=WHSEC)), "account.webhook.url"),
        (account(webhook=accounts.Webhook(url="https://a:b@hooks.example/", secret=WHSEC)), "account.webhook.url"),
        (account(webhook=accounts.Webhook(url="https://hooks.example/#a", secret=WHSEC)), "account.webhook.url"),
        (account(webhook=accounts.Webhook(secret=WHSEC)), "account.webhook.url"),
        (account(webhook=accounts.Webhook(url=HOOK, secret="whsec_short")), "account.webhook.secret"),
    ]


def _members(*account_ids: str, priority: int = 0) -> list[pages.BookingPageMember]:
    return [pages.BookingPageMember(account_id=each, priority=priority) for each in account_ids]


def _bad_pages() -> list[tuple[pages.BookingPage, str]]:
    return [
        (page(id=BAD_ID), "booking_page.id"),
        (page(owner_account_id=""), "booking_page.owner_account_id"),
        (page(owner_account_id=BAD_ID), "booking_page.owner_account_id"),
        (page(title=""), "booking_page.title"),
        (page(title=LONG), "booking_page.title"),
        (page(title="a\tb"), "booking_page.title"),
        (page(title="\u2067abc"), "booking_page.title"),
        (page(title="\u2060\u3164"), "booking_page.title"),
        (page(scheduling_mode=0), "booking_page.scheduling_mode"),
        (page(scheduling_mode=99), "booking_page.scheduling_mode"),
        (page(faulty_members=-1), "booking_page.faulty_members"),
        (page(assignment_method=2**31 - 1), "booking_page.assignment_method"),
        (page(members=_members("")), "booking_page.members[0].account_id"),
        (page(members=_members("ann", "ann")), "booking_page.members[1].account_id"),
        (page(members=_members("ann", priority=-1)), "booking_page.members[0].priority"),
        (page(members=_members("ann", priority=1001)), "booking_page.members[0].priority"),
        (page(members=_members(*(f"a{number}" for number in range(501)))), "booking_page.members"),
        (page(slack=SlackAddress(channel_id=LONG)), "booking_page.slack.channel_id"),
    ]


def _rows_of_accounts() -> list[Row]:
    mask = FieldMask(paths=["display_name"])
    several = account(id=BAD_ID, display_name="", email="x", locale="xx")
    every = ("account.id", "account.display_name", "account.email", "account.locale")
    return [
        ("CreateAccount", accounts.CreateAccountRequest(), ("account",)),
        ("CreateAccount", accounts.CreateAccountRequest(account=several), every),
        (
            "CreateAccount",
            accounts.CreateAccountRequest(account=account(webhook=accounts.Webhook(url=HOOK))),
            ("account.webhook.secret",),
        ),
        *(("CreateAccount", accounts.CreateAccountRequest(account=bad), (field,)) for bad, field in _bad_accounts()),
        *(
            ("CreateAccount", accounts.CreateAccountRequest(account=account(), request_id=bad), ("request_id",))
            for bad in BAD_REQUEST_IDS
        ),
        ("UpdateAccount", accounts.UpdateAccountRequest(update_mask=mask), ("account", "account.display_name")),
        ("UpdateAccount", accounts.UpdateAccountRequest(account=account()), ("update_mask",)),
        (
            "UpdateAccount",
            accounts.UpdateAccountRequest(account=account(), update_mask=FieldMask(paths=["revision"])),
            ("update_mask",),
        ),
        (
            "UpdateAccount",
            accounts.UpdateAccountRequest(account=account(etag=LONG), update_mask=mask),
            ("account.etag",),
        ),
        *(
            ("UpdateAccount", accounts.UpdateAccountRequest(account=bad, update_mask=FieldMask(paths=["*"])), (field,))
            for bad, field in _bad_accounts()
        ),
        ("ListAccounts", accounts.ListAccountsRequest(page_size=-1), ("page_size",)),
        *(("ListAccounts", accounts.ListAccountsRequest(page_token=bad), ("page_token",)) for bad in ("x", "é", LONG)),
        ("DeleteAccount", accounts.DeleteAccountRequest(id="ann", etag="a\nb"), ("etag",)),
        ("DeleteAccount", accounts.DeleteAccountRequest(id="ann", request_id="x"), ("request_id",)),
    ]


def _rows_of_pages() -> list[Row]:
    star = FieldMask(paths=["*"])
    return [
        ("CreateBookingPage", pages.CreateBookingPageRequest(), ("booking_page",)),
        *(
            ("CreateBookingPage", pages.CreateBookingPageRequest(booking_page=bad), (field,))
            for bad, field in _bad_pages()
        ),
        *(
            ("UpdateBookingPage", pages.UpdateBookingPageRequest(booking_page=bad, update_mask=star), (field,))
            for bad, field in _bad_pages()
        ),
        ("UpdateBookingPage", pages.UpdateBookingPageRequest(booking_page=page()), ("update_mask",)),
        (
            "UpdateBookingPage",
            pages.UpdateBookingPageRequest(booking_page=page(), update_mask=FieldMask(paths=["title", "state"])),
            ("update_mask",),
        ),
        ("ListBookingPages", pages.ListBookingPagesRequest(page_size=-(2**31)), ("page_size",)),
        ("ListBookingPages", pages.ListBookingPagesRequest(account_id=BAD_ID), ("account_id",)),
        ("ListBookingPages", pages.ListBookingPagesRequest(states=[0]), ("states[0]",)),
        ("ListBookingPages", pages.ListBookingPagesRequest(states=[1] * 101), ("states",)),
        ("ListBookingPages", pages.ListBookingPagesRequest(page_token="AAAA"), ("page_token",)),
        ("DeleteBookingPage", pages.DeleteBookingPageRequest(id="x", etag=LONG), ("etag",)),
        ("StopBookingPage", pages.StopBookingPageRequest(id="x", request_id="y"), ("request_id",)),
        ("ResumeBookingPage", pages.ResumeBookingPageRequest(id=LONG_ID, request_id="y"), ("id", "request_id")),
        *_rows_of_explanations(),
    ]


def _rows_of_explanations() -> list[Row]:
    explain = pages.ExplainBookingPageRequest
    faulty, healthy = "assume_faulty_account_ids", "assume_healthy_account_ids"
    many = [f"a{number}" for number in range(501)]
    rows = [
        (explain(id="x", **{faulty: ["ann", BAD_ID]}), (f"{faulty}[1]",)),
        (explain(id="x", **{healthy: [""]}), (f"{healthy}[0]",)),
        (explain(id="x", **{faulty: ["ann", "ben", "ann"]}), (f"{faulty}[2]",)),
        (explain(id="x", **{healthy: ["ann", "ann"]}), (f"{healthy}[1]",)),
        (explain(id="x", **{faulty: ["ann", "ben"], healthy: ["cleo", "ben"]}), (f"{faulty}[1]", f"{healthy}[1]")),
        (explain(id="x", **{faulty: many, healthy: many}), (faulty, healthy)),
        (explain(id=BAD_ID, **{faulty: [LONG_ID]}), ("id", f"{faulty}[0]")),
    ]
    return [("ExplainBookingPage", request, fields) for request, fields in rows]


def _rows_of_links() -> list[Row]:
    begin, complete, select = (
        links.BeginCalendarLinkRequest,
        links.CompleteCalendarLinkRequest,
        links.SelectCalendarsRequest,
    )
    redirects = (
        "http://example.com/back",
        "javascript:alert(1)",
        "https://example.com/#part",
        "https://user@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        f"https://example.com/{LONG}",
        "ftp://localhost/",
    )
    return [
        ("BeginCalendarLink", begin(), ("account_id",)),
        ("BeginCalendarLink", begin(account_id="ann", calendar_link_id=BAD_ID), ("calendar_link_id",)),
        ("BeginCalendarLink", begin(account_id="ann", login_hint="nobody"), ("login_hint",)),
        *(("BeginCalendarLink", begin(account_id="ann", redirect_uri=bad), ("redirect_uri",)) for bad in redirects),
        ("BeginCalendarLink", begin(account_id="ann", request_id="x"), ("request_id",)),
        ("CompleteCalendarLink", complete(), ("state", "result")),
        ("CompleteCalendarLink", complete(state="x"), ("result",)),
        ("CompleteCalendarLink", complete(state=LONG, code="x"), ("state",)),
        ("CompleteCalendarLink", complete(state="x", code=""), ("code",)),
        ("CompleteCalendarLink", complete(state="x", code=LONG), ("code",)),
        ("CompleteCalendarLink", complete(state="x", error="a\nb"), ("error",)),
        ("ListCalendarLinks", links.ListCalendarLinksRequest(page_size=-1, states=[9]), ("states[0]", "page_size")),
        ("ListCalendarLinks", links.ListCalendarLinksRequest(page_token="?"), ("page_token",)),
        ("ListCalendars", links.ListCalendarsRequest(calendar_link_id=BAD_ID), ("calendar_link_id",)),
        ("SelectCalendars", select(id="x", check_calendar_ids=["a"] * 2), ("check_calendar_ids[1]",)),
        ("SelectCalendars", select(id="x", check_calendar_ids=["a", ""]), ("check_calendar_ids[1]",)),
        (
            "SelectCalendars",
            select(id="x", check_calendar_ids=[f"c{number}" for number in range(51)]),
            ("check_calendar_ids",),
        ),
        ("SelectCalendars", select(id="x", add_calendar_id="x" * 321), ("add_calendar_id",)),
        ("SelectCalendars", select(id="", etag=LONG, request_id="x"), ("id", "etag", "request_id")),
        ("DisconnectCalendarLink", links.DisconnectCalendarLinkRequest(id="x", request_id="x"), ("request_id",)),
        ("DeleteCalendarLink", links.DeleteCalendarLinkRequest(id="x", etag=LONG), ("etag",)),
    ]


def _rows_of_reports() -> list[Row]:
    report = links.ReportCalendarFailureRequest
    bad: list[tuple[links.ReportCalendarFailureRequest, tuple[str, ...]]] = [
        (report(http_status=401), ("calendar_link_id",)),
        (report(calendar_link_id=BAD_ID, http_status=401), ("calendar_link_id",)),
        (report(calendar_link_id="x"), ("evidence",)),
        (report(calendar_link_id="x", body=""), ("evidence",)),
        (report(calendar_link_id="x", http_status=99), ("http_status",)),
        (report(calendar_link_id="x", http_status=600, body="x"), ("http_status",)),
        (report(calendar_link_id="x", http_status=-(2**31)), ("http_status",)),
        (report(calendar_link_id="x", reason=0), ("reason",)),
        (report(calendar_link_id="x", http_status=401, reason=99), ("reason",)),
        (report(calendar_link_id="x", body="x" * (64 * 1024 + 1)), ("body",)),
        (report(calendar_link_id="x", body="é" * (32 * 1024 + 1)), ("body",)),
        (report(), ("calendar_link_id", "evidence")),
    ]
    return [("ReportCalendarFailure", request, fields) for request, fields in bad]


def _rows_of_slack() -> list[Row]:
    put, delete = slack.PutSlackWorkspaceRequest, slack.DeleteSlackWorkspaceRequest
    good = "xoxb-1-2-abc"
    tokens = ("", "xoxp-1-2-abc", "xoxb-", "Bearer xoxb-1", "xoxb-1 2", "xoxb-é", f"xoxb-{'x' * 251}", "xoxb-1\n")
    return [
        ("PutSlackWorkspace", put(), ("id", "bot_token")),
        *(("PutSlackWorkspace", put(id="x", bot_token=bad), ("bot_token",)) for bad in tokens),
        ("PutSlackWorkspace", put(id="x", bot_token=good, name="  "), ("name",)),
        ("PutSlackWorkspace", put(id="x", bot_token=good, name="x" * 201), ("name",)),
        ("PutSlackWorkspace", put(id="x", bot_token=good, etag=LONG, request_id="y"), ("etag", "request_id")),
        ("ListSlackWorkspaces", slack.ListSlackWorkspacesRequest(page_size=-1), ("page_size",)),
        ("ListSlackWorkspaces", slack.ListSlackWorkspacesRequest(page_token="AAAA"), ("page_token",)),
        ("DeleteSlackWorkspace", delete(id="x", etag="a\nb", request_id="y"), ("etag", "request_id")),
    ]


def _rows_of_availability() -> list[Row]:
    day, begin = 86_400, 1_780_000_000
    good = {
        "booking_page_id": "x",
        "start_time": Timestamp(seconds=begin),
        "end_time": Timestamp(seconds=begin + day),
        "duration": Duration(seconds=1800),
    }
    bad: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"booking_page_id": ""}, ("booking_page_id",)),
        ({"booking_page_id": BAD_ID, "duration": None}, ("booking_page_id", "duration")),
        ({"start_time": None, "end_time": None}, ("start_time", "end_time")),
        ({"start_time": Timestamp(seconds=begin, nanos=-1)}, ("start_time",)),
        ({"end_time": Timestamp(seconds=2**62)}, ("end_time",)),
        ({"end_time": Timestamp(seconds=begin)}, ("end_time",)),
        ({"end_time": Timestamp(seconds=begin - 1)}, ("end_time",)),
        ({"end_time": Timestamp(seconds=begin + 62 * day, nanos=1000)}, ("end_time",)),
        ({"duration": Duration(seconds=59, nanos=999_999_999)}, ("duration",)),
        ({"duration": Duration(seconds=day, nanos=1)}, ("duration",)),
        ({"duration": Duration(seconds=-1800)}, ("duration",)),
        ({"duration": Duration(seconds=1800, nanos=-1)}, ("duration",)),
    ]
    query = appointments.QueryAvailabilityRequest
    return [("QueryAvailability", query(**(good | changed)), fields) for changed, fields in bad]


def _rows_of_the_rest() -> list[Row]:
    listing = notices.ListNotificationsRequest
    return [
        ("ListNotifications", listing(states=[0, 1, 77]), ("states[0]", "states[2]")),
        ("ListNotifications", listing(booking_page_id=BAD_ID, account_id=BAD_ID), ("booking_page_id", "account_id")),
        ("ListNotifications", listing(page_size=-1), ("page_size",)),
        ("ListNotifications", listing(page_token="AAAAAAAAAAAA"), ("page_token",)),
        ("ListNotifications", listing(order=77), ("order",)),
        ("RetryNotification", notices.RetryNotificationRequest(id="x", request_id="x"), ("request_id",)),
        ("DiscardNotification", notices.DiscardNotificationRequest(id="x", request_id="x"), ("request_id",)),
        ("CreateSilence", silences.CreateSilenceRequest(), ("silence",)),
        ("ListSilences", silences.ListSilencesRequest(page_size=-1), ("page_size",)),
        ("DeleteSilence", silences.DeleteSilenceRequest(id="x", request_id="x"), ("request_id",)),
        ("GetProviderStatus", provider.GetProviderStatusRequest(provider=77), ("provider",)),
        ("Watch", watch.WatchRequest(account_ids=[""]), ("account_ids[0]",)),
        ("Watch", watch.WatchRequest(progress_interval=Duration(seconds=-1)), ("progress_interval",)),
        ("Watch", watch.WatchRequest(kinds=[4], calendar_link_ids=["x"]), ("calendar_link_ids",)),
    ]


def _rows_of_ids() -> list[Row]:
    """Each request that names one resource, with an id that is none."""
    by_id = (
        accounts.GetAccountRequest,
        accounts.DeleteAccountRequest,
        pages.GetBookingPageRequest,
        pages.DeleteBookingPageRequest,
        pages.StopBookingPageRequest,
        pages.ResumeBookingPageRequest,
        pages.ExplainBookingPageRequest,
        links.GetCalendarLinkRequest,
        links.CheckCalendarLinkRequest,
        links.DiagnoseCalendarLinkRequest,
        links.DisconnectCalendarLinkRequest,
        links.DeleteCalendarLinkRequest,
        notices.GetNotificationRequest,
        slack.GetSlackWorkspaceRequest,
        slack.DeleteSlackWorkspaceRequest,
        notices.RetryNotificationRequest,
        notices.DiscardNotificationRequest,
        silences.DeleteSilenceRequest,
    )
    bad = ("", BAD_ID, LONG_ID, "../x", "é", "a\0", "a\n")
    return [(kind.DESCRIPTOR.name.removesuffix("Request"), kind(id=each), ("id",)) for kind in by_id for each in bad]


def _rows_of_appointments() -> list[Row]:
    begin, title = 1_900_000_000, "Visit"
    good = {
        "booking_page_id": "x",
        "start_time": Timestamp(seconds=begin),
        "end_time": Timestamp(seconds=begin + 1800),
        "title": title,
        "request_id": "00000000-0000-4000-8000-000000000000",
    }
    ben = appointments.Attendee(email="ben@example.com")
    bad: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"booking_page_id": ""}, ("booking_page_id",)),
        ({"start_time": None, "end_time": None}, ("start_time", "end_time")),
        ({"start_time": Timestamp(seconds=begin, nanos=1)}, ("start_time",)),
        ({"start_time": Timestamp(seconds=1)}, ("end_time",)),
        ({"start_time": Timestamp(seconds=1_000), "end_time": Timestamp(seconds=2_800)}, ("start_time",)),
        ({"end_time": Timestamp(seconds=begin)}, ("end_time",)),
        ({"end_time": Timestamp(seconds=begin + 59)}, ("end_time",)),
        ({"end_time": Timestamp(seconds=begin + 86_401)}, ("end_time",)),
        ({"title": ""}, ("title",)),
        ({"title": "a\nb"}, ("title",)),
        ({"title": LONG}, ("title",)),
        ({"attendees": [ben, ben]}, ("attendees[1].email",)),
        ({"attendees": [ben, appointments.Attendee(email="BEN@example.com")]}, ("attendees[1].email",)),
        ({"attendees": [appointments.Attendee()]}, ("attendees[0].email",)),
        ({"attendees": [appointments.Attendee(email="nobody")]}, ("attendees[0].email",)),
        (
            {"attendees": [appointments.Attendee(email="a@example.com", display_name="a\0")]},
            ("attendees[0].display_name",),
        ),
        ({"attendees": [appointments.Attendee(email=f"a{n}@example.com") for n in range(101)]}, ("attendees",)),
        ({"account_id": BAD_ID}, ("account_id",)),
        ({"request_id": ""}, ("request_id",)),
        *(({"request_id": each}, ("request_id",)) for each in BAD_REQUEST_IDS),
        ({"time_zone": "Mars/Olympus"}, ("time_zone",)),
        ({"time_zone": "../../etc/passwd"}, ("time_zone",)),
        ({"time_zone": "asia/tokyo"}, ("time_zone",)),
    ]
    assign, many = appointments.AssignAppointmentRequest, appointments.ListAppointmentsRequest
    cancel, reassign = appointments.CancelAppointmentRequest, appointments.ReassignAppointmentRequest
    return [
        *(("AssignAppointment", assign(**(good | changed)), fields) for changed, fields in bad),
        ("GetAppointment", appointments.GetAppointmentRequest(), ("id",)),
        ("ListAppointments", many(booking_page_id=BAD_ID, account_id=LONG_ID), ("booking_page_id", "account_id")),
        ("ListAppointments", many(start_time=Timestamp(seconds=-1)), ("start_time",)),
        ("ListAppointments", many(start_time=good["start_time"], end_time=good["start_time"]), ("end_time",)),
        ("ListAppointments", many(states=[0]), ("states[0]",)),
        ("ListAppointments", many(page_size=-1), ("page_size",)),
        ("ListAppointments", many(page_token="x"), ("page_token",)),
        ("CancelAppointment", cancel(id=BAD_ID), ("id",)),
        ("CancelAppointment", cancel(id="x", request_id="x"), ("request_id",)),
        ("CancelAppointment", cancel(id="x", etag="a\nb"), ("etag",)),
        ("ReassignAppointment", reassign(id="", account_id=BAD_ID), ("id", "account_id")),
        ("ReassignAppointment", reassign(id="x", request_id="x"), ("request_id",)),
        ("ReassignAppointment", reassign(id="x", etag="a\nb"), ("etag",)),
    ]


BAD_REQUESTS = [
    *_rows_of_ids(),
    *_rows_of_accounts(),
    *_rows_of_pages(),
    *_rows_of_links(),
    *_rows_of_reports(),
    *_rows_of_slack(),
    *_rows_of_availability(),
    *_rows_of_appointments(),
    *_rows_of_the_rest(),
]
