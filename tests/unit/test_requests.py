"""Each request is read in full before anything is done: every wrong field is named by its path."""

from base64 import b64encode

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from calguard.v1 import account_pb2, booking_page_pb2, calendar_link_pb2, watch_pb2
from calguard_server.domain.errors import InvalidArgumentError
from calguard_server.domain.events import ResourceKind
from calguard_server.domain.page import AssignmentMethod, FaultyMembers, Member, SchedulingMode
from calguard_server.domain.secret import Secret
from calguard_server.domain.webhook import WebhookWish
from calguard_server.grpc_api.account_service import read_account_changes, read_new_account
from calguard_server.grpc_api.booking_page_service import read_new_page, read_page_changes
from calguard_server.grpc_api.explanation import check_explain
from calguard_server.grpc_api.link_requests import read_outcome, read_selection, read_wish
from calguard_server.grpc_api.watch_service import read_spec
from tests.unit.requests_refused import wrong_fields

URL, SECRET = "https://hooks.example/notices", "whsec_Y2FuYXJ5LXNpZ25pbmctc2VjcmV0LW9mLWFubg=="
AUTO_ASSIGN = booking_page_pb2.SCHEDULING_MODE_AUTO_ASSIGN


def account_request(**fields: object) -> account_pb2.CreateAccountRequest:
    request_id = fields.pop("request_id", "")
    account = account_pb2.Account(**{"display_name": "Ann", **fields})
    return account_pb2.CreateAccountRequest(account=account, request_id=request_id)


def page_of(**fields: object) -> booking_page_pb2.BookingPage:
    given_fields = {"owner_account_id": "olga", "title": "Meet us", "scheduling_mode": AUTO_ASSIGN, **fields}
    return booking_page_pb2.BookingPage(**given_fields)


def page_request(**fields: object) -> booking_page_pb2.CreateBookingPageRequest:
    return booking_page_pb2.CreateBookingPageRequest(booking_page=page_of(**fields))


def members(*ids: str) -> list[booking_page_pb2.BookingPageMember]:
    return [booking_page_pb2.BookingPageMember(account_id=each) for each in ids]


def test_an_account_is_read() -> None:
    account, _ = read_new_account(account_request(id="ann", email="ann@example.com", slack={"user_id": "U1"}))
    assert (account.id, account.display_name, account.email, account.slack.user_id) == (
        "ann", "Ann", "ann@example.com", "U1",
    )  # fmt: skip


def test_an_account_that_is_missing() -> None:
    assert wrong_fields(read_new_account, account_pb2.CreateAccountRequest()) == ["account"]


def test_an_account_that_is_empty_lacks_its_name_only() -> None:
    request = account_pb2.CreateAccountRequest(account=account_pb2.Account())
    assert wrong_fields(read_new_account, request) == ["account.display_name"]


def test_what_the_server_sets_is_ignored_even_out_of_range() -> None:
    request = account_request(revision=-(2**63), etag="\n", create_time={"seconds": 2**62, "nanos": -1})
    assert wrong_fields(read_new_account, request) == []


def test_a_webhook_is_read_with_its_secret_wrapped() -> None:
    _, wish = read_new_account(account_request(webhook={"url": URL, "secret": SECRET, "secret_set": False}))
    assert wish == WebhookWish(URL, Secret(SECRET))
    assert SECRET not in repr(wish)


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "HTTPS://hooks.example/",
        "ftp://hooks.example/",
        "https://",
        "https:///path",
        "//hooks.example/",
        "https://user@hooks.example/",
        "https://user:password@hooks.example/",
        "https://hooks.example/#part",
        "https://hooks.example:0/",
        "https://hooks.example:65536/",
        "https://[::1/",
        "https://hooks.example/ a",
        "https://hooks.example/\r\nHost: x",
        "https://hööks.example/",
        f"https://hooks.example/{'x' * 2000}",
        " ",
    ],
)
def test_a_url_that_no_webhook_goes_to(url: str) -> None:
    """Only https, without passwords and fragments; the refusal does not repeat what may hold a token."""
    request = account_request(webhook={"url": url, "secret": SECRET})
    assert wrong_fields(read_new_account, request) == ["account.webhook.url"]


@pytest.mark.parametrize(
    "url", ["https://hooks.example", "https://hooks.example:8443/a?token=b", "https://[2a00::1]/", "https://192.0.2.1/"]
)
def test_a_url_that_webhooks_go_to(url: str) -> None:
    """Where its host leads is found out later."""
    assert wrong_fields(read_new_account, account_request(webhook={"url": url, "secret": SECRET})) == []


@pytest.mark.parametrize("count", [0, 1, 23, 65, 100])
def test_a_secret_of_too_few_bytes_or_too_many(count: int) -> None:
    secret = f"whsec_{b64encode(bytes(count)).decode()}"
    request = account_request(webhook={"url": URL, "secret": secret})
    assert wrong_fields(read_new_account, request) == ["account.webhook.secret"]


@pytest.mark.parametrize("secret", [SECRET.removeprefix("whsec_"), f"{SECRET}!", f" {SECRET}", f"{SECRET}\n", "whsec"])
def test_a_secret_of_another_form(secret: str) -> None:
    """And the refusal does not repeat it."""
    request = account_request(webhook={"url": URL, "secret": secret})
    with pytest.raises(InvalidArgumentError) as refused:
        read_new_account(request)
    assert [each.field for each in refused.value.violations] == ["account.webhook.secret"]
    assert "Y2FuYXJ5" not in repr((refused.value, refused.value.violations))


def test_a_secret_without_a_url() -> None:
    request = account_request(webhook={"secret": SECRET})
    assert wrong_fields(read_new_account, request) == ["account.webhook.url"]


@pytest.mark.parametrize("part", ["workspace_id", "user_id", "channel_id"])
@pytest.mark.parametrize("value", ["x" * 64, "C\n1"])
def test_slack_ids_that_are_refused(part: str, value: str) -> None:
    assert wrong_fields(read_new_account, account_request(slack={part: value})) == [f"account.slack.{part}"]
    assert wrong_fields(read_new_page, page_request(slack={part: value})) == [f"booking_page.slack.{part}"]


def change(paths: list[str], **fields: object) -> account_pb2.UpdateAccountRequest:
    account = account_pb2.Account(**{"id": "ann", **fields})
    return account_pb2.UpdateAccountRequest(account=account, update_mask=FieldMask(paths=paths))


def test_only_what_the_mask_names_is_read_and_checked() -> None:
    assert read_account_changes(change(["email"], email="a@example.com", display_name="\n")) == {
        "email": "a@example.com"
    }


def test_a_star_takes_all_fields() -> None:
    changes = read_account_changes(change(["*"], display_name="Ann"))
    assert set(changes) == {"display_name", "email", "locale", "slack", "channels", "link_alerts", "webhook"}
    assert wrong_fields(read_account_changes, change(["*"])) == ["account.display_name"]


@pytest.mark.parametrize(
    "paths",
    [
        [],
        [""],
        ["id"],
        ["etag"],
        ["slack.user_id"],
        ["webhook.url"],
        ["displayName"],
        ["email", "nothing"],
        ["*", "nothing"],
    ],
)
def test_masks_that_are_refused(paths: list[str]) -> None:
    assert "update_mask" in wrong_fields(read_account_changes, change(paths, email="a@example.com"))


def test_an_update_names_its_resource() -> None:
    mask = FieldMask(paths=["email"])
    assert wrong_fields(read_account_changes, account_pb2.UpdateAccountRequest(update_mask=mask)) == ["account"]
    assert wrong_fields(read_account_changes, change(["email"], id="")) == ["account.id"]
    nameless = booking_page_pb2.UpdateBookingPageRequest(booking_page={}, update_mask=FieldMask(paths=["slack"]))
    assert wrong_fields(read_page_changes, nameless) == ["booking_page.id"]


def test_a_page_is_read_with_its_defaults() -> None:
    page = read_new_page(page_request(members=members("ann", "bob")))
    assert page.scheduling_mode is SchedulingMode.AUTO_ASSIGN
    assert page.faulty_members is FaultyMembers.KEEP
    assert page.assignment_method is AssignmentMethod.EVEN
    assert page.members == (Member("ann"), Member("bob"))


@pytest.mark.parametrize(
    ("fields", "wrong_ones"),
    [
        ({"id": "no/slash"}, ["id"]),
        ({"owner_account_id": ""}, ["owner_account_id"]),
        ({"title": "two\nlines"}, ["title"]),
        ({"scheduling_mode": 0}, ["scheduling_mode"]),
        ({"scheduling_mode": 4}, ["scheduling_mode"]),
        ({"scheduling_mode": -1}, ["scheduling_mode"]),
        ({"faulty_members": 99}, ["faulty_members"]),
        ({"assignment_method": 2**31 - 1}, ["assignment_method"]),
        ({"members": members("ann", "bob", "ann")}, ["members[2].account_id"]),
        ({"members": members("ann", "", "x y")}, ["members[1].account_id", "members[2].account_id"]),
        ({"members": [{"account_id": "a", "priority": 1001}]}, ["members[0].priority"]),
        ({"members": [{"account_id": "a", "priority": -1}]}, ["members[0].priority"]),
        ({"members": members(*(f"m{index}" for index in range(501)))}, ["members"]),
    ],
)
def test_pages_that_are_refused(fields: dict[str, object], wrong_ones: list[str]) -> None:
    assert wrong_fields(read_new_page, page_request(**fields)) == [f"booking_page.{each}" for each in wrong_ones]


def test_500_members_are_taken() -> None:
    assert len(read_new_page(page_request(members=members(*(f"m{index}" for index in range(500))))).members) == 500


FAULTY, HEALTHY = "assume_faulty_account_ids", "assume_healthy_account_ids"
CROWD = [f"m{index}" for index in range(501)]


@pytest.mark.parametrize(
    ("fields", "wrong_ones"),
    [
        ({}, []),
        ({FAULTY: CROWD[:500]}, []),
        ({FAULTY: ["ann"], HEALTHY: ["bob"]}, []),
        ({"id": ""}, ["id"]),
        ({FAULTY: CROWD}, [FAULTY]),
        ({HEALTHY: CROWD}, [HEALTHY]),
        ({FAULTY: ["ann", "x y"], HEALTHY: ["", "bob"]}, [f"{FAULTY}[1]", f"{HEALTHY}[0]"]),
        ({FAULTY: ["ann", "ann"]}, [f"{FAULTY}[1]"]),
        ({HEALTHY: ["bob", "ann", "bob"]}, [f"{HEALTHY}[2]"]),
        ({FAULTY: ["ann", "bob"], HEALTHY: ["bob"]}, [f"{FAULTY}[1]", f"{HEALTHY}[0]"]),
    ],
)
def test_what_is_assumed_of_a_page(fields: dict[str, object], wrong_ones: list[str]) -> None:
    request = booking_page_pb2.ExplainBookingPageRequest(**({"id": "page"} | fields))
    assert wrong_fields(check_explain, request) == wrong_ones


@pytest.mark.parametrize(
    ("outcome", "wrong_ones"),
    [
        ({"state": "s", "code": "4/abc"}, []),
        ({"state": "s", "error": "access_denied"}, []),
        ({"state": "s"}, ["result"]),
        ({"code": "c"}, ["state"]),
        ({}, ["state", "result"]),
        ({"state": "s", "code": ""}, ["code"]),
        ({"state": "s", "error": ""}, ["error"]),
        ({"state": "s", "code": "x" * 2001}, ["code"]),
        ({"state": "s", "error": "x" * 201}, ["error"]),
        ({"state": "x" * 201, "code": "c"}, ["state"]),
        ({"state": "s", "code": "a\x00b"}, ["code"]),
    ],
)
def test_what_the_consent_page_sent_back(outcome: dict[str, str], wrong_ones: list[str]) -> None:
    assert wrong_fields(read_outcome, calendar_link_pb2.CompleteCalendarLinkRequest(**outcome)) == wrong_ones


@pytest.mark.parametrize(
    ("fields", "wrong_ones"),
    [
        ({"account_id": ""}, ["account_id"]),
        ({"calendar_link_id": "a b"}, ["calendar_link_id"]),
        ({"login_hint": "nobody"}, ["login_hint"]),
        ({"request_id": "1"}, ["request_id"]),
    ],
)
def test_attempts_that_are_refused(fields: dict[str, str], wrong_ones: list[str]) -> None:
    request = calendar_link_pb2.BeginCalendarLinkRequest(**{"account_id": "ann", **fields})
    assert wrong_fields(read_wish, request) == wrong_ones


@pytest.mark.parametrize(
    ("fields", "wrong_ones"),
    [
        ({}, []),
        ({"check_calendar_ids": ["a@group.calendar.google.com", "b"], "add_calendar_id": "b"}, []),
        ({"check_calendar_ids": ["a", "b", "a"]}, ["check_calendar_ids[2]"]),
        ({"check_calendar_ids": ["a", "", "c\n"]}, ["check_calendar_ids[1]", "check_calendar_ids[2]"]),
        ({"check_calendar_ids": [f"c{index}" for index in range(51)]}, ["check_calendar_ids"]),
        ({"add_calendar_id": "x" * 321}, ["add_calendar_id"]),
        ({"etag": "a\nb"}, ["etag"]),
        ({"id": ""}, ["id"]),
    ],
)
def test_selections(fields: dict[str, object], wrong_ones: list[str]) -> None:
    request = calendar_link_pb2.SelectCalendarsRequest(**{"id": "link", **fields})
    assert wrong_fields(read_selection, request) == wrong_ones


def test_a_watch_is_read() -> None:
    spec = read_spec(
        watch_pb2.WatchRequest(
            account_ids=["ann", "ann"], kinds=["RESOURCE_KIND_BOOKING_PAGE"], progress_interval={"seconds": 60}
        )
    )
    assert (spec.account_ids, spec.kinds) == (frozenset({"ann"}), frozenset({ResourceKind.BOOKING_PAGE}))
    assert spec.progress_interval is not None
    assert spec.progress_interval.total_seconds() == 60
    assert read_spec(watch_pb2.WatchRequest()).progress_interval is None


@pytest.mark.parametrize(
    ("fields", "wrong_ones"),
    [
        ({"kinds": [0]}, ["kinds[0]"]),
        ({"kinds": [1, 77]}, ["kinds[1]"]),
        ({"kinds": [-5]}, ["kinds[0]"]),
        ({"account_ids": ["ok", "a b"]}, ["account_ids[1]"]),
        ({"calendar_link_ids": [""]}, ["calendar_link_ids[0]"]),
        ({"booking_page_ids": [f"p{index}" for index in range(1001)]}, ["booking_page_ids"]),
        ({"resume_token": "t", "skip_snapshot": True}, ["skip_snapshot"]),
        ({"kinds": [4], "calendar_link_ids": ["l1"]}, ["calendar_link_ids"]),
        ({"kinds": [1, 4], "calendar_link_ids": ["l1"]}, ["calendar_link_ids"]),
    ],
)
def test_watches_that_are_refused(fields: dict[str, object], wrong_ones: list[str]) -> None:
    assert wrong_fields(read_spec, watch_pb2.WatchRequest(**fields)) == wrong_ones


@pytest.mark.parametrize("narrowed", [{"account_ids": ["ann"]}, {"booking_page_ids": ["p1"]}])
def test_links_beside_appointments_that_something_else_narrows(narrowed: dict[str, list[str]]) -> None:
    """A link narrows no appointment: by itself it would bring those of everybody."""
    spec = read_spec(watch_pb2.WatchRequest(kinds=[1, 4], calendar_link_ids=["l1"], **narrowed))
    assert spec.kinds == {ResourceKind.CALENDAR_LINK, ResourceKind.APPOINTMENT}


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (0, 0), (0, 999_999_999), (60, 1), (61, 0), (-1, 0), (2**63 - 1, 0), (-(2**63), 0), (5, -1), (5, 10**9),
        (5, -(2**31)),
    ],
)  # fmt: skip
def test_silences_that_are_refused(seconds: int, nanos: int) -> None:
    request = watch_pb2.WatchRequest(progress_interval=Duration(seconds=seconds, nanos=nanos))
    assert wrong_fields(read_spec, request) == ["progress_interval"]
