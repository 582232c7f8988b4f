"""Requests that cannot be: each is refused with the status, the reason and the fields, and nothing is changed."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import appointment_pb2 as appointments_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from calguard.v1 import slack_workspace_pb2 as slack_pb
from calguard_client.refusal import Refusal
from tests.e2e.backend import Backend
from tests.e2e.bad_requests import BAD_REQUESTS, account, page
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, refused, told


async def refusal_of(backend: Backend, method: str, request: Message) -> Refusal:
    return await refused(METHODS[method].call(backend.channel, request))


def test_every_method_is_among_the_bad_requests() -> None:
    """No method is forgotten here whose request has a field that could be wrong."""
    with_fields = {name for name, method in METHODS.items() if method.request.DESCRIPTOR.fields}
    assert {method for method, _, _ in BAD_REQUESTS} == with_fields


async def test_each_bad_field_is_named(backend: Backend) -> None:
    """Empty, malformed, oversized and contradictory requests are INVALID_ARGUMENT and name each bad field, no other."""
    await backend.add_account("ann")
    before = await backend.add_page("zoe-page", ALL, "ann")
    wrong = []
    for method, request, fields in BAD_REQUESTS:
        refusal = await refusal_of(backend, method, request)
        named = tuple(bad.field for bad in refusal.fields)
        if (refusal.code.name, refusal.reason, named) != ("INVALID_ARGUMENT", "INVALID_FIELD", fields):
            wrong.append((method, str(request)[:200], fields, refusal))
    assert wrong == []
    assert await backend.all_pages() == [before]


async def test_request_larger_than_is_taken(backend: Backend) -> None:
    """A request of more than 4 MiB is refused before it is read, and the server goes on."""
    request = accounts_pb.CreateAccountRequest(account=account(display_name="x" * (4 * 1024 * 1024 + 1)))
    refusal = await refusal_of(backend, "CreateAccount", request)
    assert refusal.code.name == "RESOURCE_EXHAUSTED"
    await backend.add_account("ann")


async def test_unreadable_request(backend: Backend) -> None:
    """Bytes that are no message of the method's type are INVALID_ARGUMENT, for every method."""
    for method in METHODS.values():
        refusal = await refused(method.call_raw(backend.channel, b"\x0a\xff\xff\xff\xff\x0f"))
        assert told(refusal) == ("INVALID_ARGUMENT", "REQUEST_UNREADABLE"), method.name


async def test_unknown_ids(backend: Backend) -> None:
    """What is named and does not exist is NOT_FOUND with a reason of its own."""
    star = FieldMask(paths=["*"])
    link, booking_page, person = "CALENDAR_LINK_NOT_FOUND", "BOOKING_PAGE_NOT_FOUND", "ACCOUNT_NOT_FOUND"
    explain = pages_pb.ExplainBookingPageRequest(id="x", assume_faulty_account_ids=["y"])
    availability = appointments_pb.QueryAvailabilityRequest(
        booking_page_id="x",
        start_time=Timestamp(seconds=1_780_000_000),
        end_time=Timestamp(seconds=1_780_003_600),
        duration=Duration(seconds=1800),
    )
    assign = appointments_pb.AssignAppointmentRequest(
        booking_page_id="x",
        start_time=Timestamp(seconds=1_900_000_000),
        end_time=Timestamp(seconds=1_900_003_600),
        title="x",
        request_id="00000000-0000-4000-8000-000000000000",
    )
    booked = "APPOINTMENT_NOT_FOUND"
    rows: list[tuple[str, Message, str]] = [
        ("GetAccount", accounts_pb.GetAccountRequest(id="x"), person),
        ("UpdateAccount", accounts_pb.UpdateAccountRequest(account=account(), update_mask=star), person),
        ("DeleteAccount", accounts_pb.DeleteAccountRequest(id="x"), person),
        ("GetBookingPage", pages_pb.GetBookingPageRequest(id="x"), booking_page),
        ("UpdateBookingPage", pages_pb.UpdateBookingPageRequest(booking_page=page(), update_mask=star), booking_page),
        ("DeleteBookingPage", pages_pb.DeleteBookingPageRequest(id="x"), booking_page),
        ("StopBookingPage", pages_pb.StopBookingPageRequest(id="x"), booking_page),
        ("ResumeBookingPage", pages_pb.ResumeBookingPageRequest(id="x"), booking_page),
        ("ExplainBookingPage", explain, booking_page),
        ("QueryAvailability", availability, booking_page),
        ("AssignAppointment", assign, booking_page),
        ("GetAppointment", appointments_pb.GetAppointmentRequest(id="x"), booked),
        ("CancelAppointment", appointments_pb.CancelAppointmentRequest(id="x"), booked),
        ("ReassignAppointment", appointments_pb.ReassignAppointmentRequest(id="x"), booked),
        ("BeginCalendarLink", links_pb.BeginCalendarLinkRequest(account_id="x"), person),
        ("GetCalendarLink", links_pb.GetCalendarLinkRequest(id="x"), link),
        ("ListCalendars", links_pb.ListCalendarsRequest(calendar_link_id="x"), link),
        ("SelectCalendars", links_pb.SelectCalendarsRequest(id="x", check_calendar_ids=["a"]), link),
        ("CheckCalendarLink", links_pb.CheckCalendarLinkRequest(id="x"), link),
        ("DiagnoseCalendarLink", links_pb.DiagnoseCalendarLinkRequest(id="x"), link),
        ("ReportCalendarFailure", links_pb.ReportCalendarFailureRequest(calendar_link_id="x", http_status=401), link),
        ("DisconnectCalendarLink", links_pb.DisconnectCalendarLinkRequest(id="x"), link),
        ("DeleteCalendarLink", links_pb.DeleteCalendarLinkRequest(id="x"), link),
        ("GetNotification", notices_pb.GetNotificationRequest(id="x"), "NOTIFICATION_NOT_FOUND"),
        ("GetSlackWorkspace", slack_pb.GetSlackWorkspaceRequest(id="x"), "SLACK_WORKSPACE_NOT_FOUND"),
        ("DeleteSlackWorkspace", slack_pb.DeleteSlackWorkspaceRequest(id="x"), "SLACK_WORKSPACE_NOT_FOUND"),
        ("RetryNotification", notices_pb.RetryNotificationRequest(id="x"), "NOTIFICATION_NOT_FOUND"),
        ("DiscardNotification", notices_pb.DiscardNotificationRequest(id="x"), "NOTIFICATION_NOT_FOUND"),
    ]
    for method, request, reason in rows:
        assert told(await refusal_of(backend, method, request)) == ("NOT_FOUND", reason), method


async def test_lists_about_what_does_not_exist_are_empty(backend: Backend) -> None:
    """A filter that names what does not exist finds nothing, and is no error."""
    assert await backend.all_links("nobody") == []
    listed = await backend.notices.ListNotifications(notices_pb.ListNotificationsRequest(account_id="nobody"))
    assert list(listed.notifications) == []


async def test_duplicates(backend: Backend) -> None:
    """An id that is taken is ALREADY_EXISTS, and what has it stays as it was."""
    kept = await backend.add_account("ann")
    assert told(await refused(backend.add_account("ann", display_name="Other"))) == ("ALREADY_EXISTS", "ACCOUNT_EXISTS")
    await backend.add_page("page", ALL, "ann")
    refusal = await refused(backend.add_page("page", ALL, "ann", title="Other"))
    assert told(refusal) == ("ALREADY_EXISTS", "BOOKING_PAGE_EXISTS")
    assert (await backend.accounts.GetAccount(accounts_pb.GetAccountRequest(id="ann"))).account == kept
    assert (await backend.page("page")).title == "Page page"


async def test_ids_made_by_the_server(backend: Backend) -> None:
    """Where no id is given the server makes one, another each time."""
    first, second = [await backend.add_account("", display_name="A") for _ in range(2)]
    assert first.id != second.id
    made = await backend.add_page("", ALL, first.id, title="T")
    assert (await backend.page(made.id)).title == "T"


async def test_page_of_accounts_that_do_not_exist(backend: Backend) -> None:
    """A page cannot name accounts that do not exist, on creation or later: the refusal names up to 20 of them."""
    await backend.add_account("ann")
    missing = [f"missing-{number:02}" for number in range(30)]
    refusal = await refused(backend.add_page("page", ALL, "nobody", "ann", *missing))
    assert told(refusal) == ("FAILED_PRECONDITION", "ACCOUNT_MISSING")
    assert refusal.metadata["account_ids"].split(",") == ["nobody", *missing[:19]]
    kept = await backend.add_page("page", ALL, "ann")
    refusal = await refused(backend.set_members("page", "ann", "nobody"))
    assert (told(refusal), refusal.metadata["account_ids"]) == (("FAILED_PRECONDITION", "ACCOUNT_MISSING"), "nobody")
    assert await backend.page("page") == kept


async def test_account_in_use(backend: Backend) -> None:
    """An account that owns or is on a page cannot be deleted: the refusal names the pages; without them it can."""
    for name in ("ann", "ben"):
        await backend.add_account(name)
    await backend.add_page("owned", ALL, "ann")
    await backend.add_page("on", ALL, "ben", "ann")
    await backend.add_page("other", ALL, "ben")
    refusal = await refused(backend.delete_account("ann"))
    assert told(refusal) == ("FAILED_PRECONDITION", "ACCOUNT_IN_USE")
    assert set(refusal.metadata["booking_page_ids"].split(",")) == {"owned", "on"}
    for page_id in ("owned", "on"):
        await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id=page_id))
    await backend.delete_account("ann")
    assert told(await refused(backend.delete_account("ann")))[0] == "NOT_FOUND"


async def test_stale_etags(backend: Backend) -> None:
    """An update or a deletion that rests on what has changed since is ABORTED and does nothing."""
    old = await backend.add_account("ann")
    mask = FieldMask(paths=["display_name"])
    fresh = accounts_pb.Account(id="ann", display_name="Anna", etag=old.etag)
    request = accounts_pb.UpdateAccountRequest(account=fresh, update_mask=mask)
    assert (await backend.accounts.UpdateAccount(request)).account.etag != old.etag
    assert told(await refused(backend.accounts.UpdateAccount(request))) == ("ABORTED", "ETAG_MISMATCH")
    delete = accounts_pb.DeleteAccountRequest(id="ann", etag=old.etag)
    assert told(await refused(backend.accounts.DeleteAccount(delete))) == ("ABORTED", "ETAG_MISMATCH")
    first = await backend.add_page("page", ALL, "ann")
    await backend.change_page(pages_pb.BookingPage(id="page", title="New"), "title")
    stale = pages_pb.BookingPage(id="page", title="Newer", etag=first.etag)
    assert told(await refused(backend.change_page(stale, "title"))) == ("ABORTED", "ETAG_MISMATCH")
    delete_page = pages_pb.DeleteBookingPageRequest(id="page", etag=first.etag)
    assert told(await refused(backend.pages.DeleteBookingPage(delete_page)))[0] == "ABORTED"
    assert (await backend.page("page")).title == "New"


async def test_pages_of_lists(backend: Backend) -> None:
    """A list read in pages holds everything once; its token is good for the same list with the same filters only."""
    for number in range(7):
        await backend.add_account(f"a{number}")
        await backend.add_page(f"p{number}", ALL, f"a{number}")
    seen, token = [], ""
    while True:
        request = pages_pb.ListBookingPagesRequest(page_size=3, page_token=token)
        listed = await backend.pages.ListBookingPages(request)
        seen += [each.id for each in listed.booking_pages]
        if not listed.next_page_token:
            break
        token = listed.next_page_token
    assert seen == [f"p{number}" for number in range(7)]
    for request in (
        pages_pb.ListBookingPagesRequest(page_token=token, account_id="a1"),
        accounts_pb.ListAccountsRequest(page_token=token),
    ):
        method = request.DESCRIPTOR.name.removesuffix("Request")
        assert [bad.field for bad in (await refusal_of(backend, method, request)).fields] == ["page_token"]
