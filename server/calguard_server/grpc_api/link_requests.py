"""Reading the requests by which a link is made and its calendars are selected."""

from calguard.v1 import calendar_link_pb2 as pb
from calguard_server.domain.calendars import CHECK_CALENDARS_MAX
from calguard_server.engine.linking import Wish
from calguard_server.grpc_api.validation import CALENDAR_ID_MAX, Checker

_STATE_MAX = 200
_CODE_MAX = 2_000
_ERROR_MAX = 200


def read_wish(request: pb.BeginCalendarLinkRequest) -> Wish:
    """Read what a caller asks of a new attempt. Raises InvalidArgumentError."""
    check = Checker()
    wish = Wish(
        account_id=check.id("account_id", request.account_id),
        calendar_link_id=check.optional_id("calendar_link_id", request.calendar_link_id),
        login_hint=check.email("login_hint", request.login_hint),
        redirect_uri=check.redirect_uri("redirect_uri", request.redirect_uri),
        select_primary=request.select_primary,
        allow_account_change=request.allow_account_change,
    )
    check.request_id(request.request_id)
    check.refuse()
    return wish


def read_outcome(request: pb.CompleteCalendarLinkRequest) -> None:
    """Check what a consent page sent back: a code or an error. Raises InvalidArgumentError."""
    check = Checker()
    check.text("state", request.state, _STATE_MAX, at_least=1)
    match request.WhichOneof("result"):
        case "code":
            check.text("code", request.code, _CODE_MAX, at_least=1)
        case "error":
            check.text("error", request.error, _ERROR_MAX, at_least=1)
        case None:
            check.expect(False, "result", "expected either code or error")  # noqa: FBT003 - nothing to look at
    check.refuse()


def read_selection(request: pb.SelectCalendarsRequest) -> None:
    """Check a selection of calendars. Raises InvalidArgumentError."""
    check = Checker()
    check.id("id", request.id)
    if check.at_most("check_calendar_ids", request.check_calendar_ids, CHECK_CALENDARS_MAX):
        check.unique("check_calendar_ids", request.check_calendar_ids)
        for index, calendar_id in enumerate(request.check_calendar_ids):
            check.text(f"check_calendar_ids[{index}]", calendar_id, CALENDAR_ID_MAX, at_least=1)
    check.text("add_calendar_id", request.add_calendar_id, CALENDAR_ID_MAX)
    check.etag("etag", request.etag)
    check.request_id(request.request_id)
    check.refuse()
