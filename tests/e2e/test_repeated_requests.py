"""Calls with a request_id: a repeated one answers as the first did and does nothing."""

import asyncio

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import slack_workspace_pb2 as slack_pb
from tests.e2e.backend import Backend
from tests.e2e.bad_requests import account, page
from tests.e2e.methods import METHODS
from tests.e2e.stubs import ALL, refused, told
from tests.patience import PATIENCE_SECONDS

REQUEST_ID, ANOTHER = "6f0d3a9e-5a1b-4c3d-8e2f-0123456789ab", "6f0d3a9e-5a1b-4c3d-8e2f-0123456789ac"
TITLE, NAME = FieldMask(paths=["title"]), FieldMask(paths=["display_name"])
BEFORE_RESUME = ("ResumeBookingPage",)
SPARE_TOKEN, ACME_TOKEN = "xoxb-spare", "xoxb-acme"


def requests(link_id: str) -> dict[str, Message]:
    """A request of every method that takes a request_id, good for the state that the fixture makes."""
    return {
        "CreateAccount": accounts_pb.CreateAccountRequest(account=account()),
        "UpdateAccount": accounts_pb.UpdateAccountRequest(account=account(id="ann"), update_mask=NAME),
        "DeleteAccount": accounts_pb.DeleteAccountRequest(id="spare"),
        "CreateBookingPage": pages_pb.CreateBookingPageRequest(booking_page=page(id="")),
        "UpdateBookingPage": pages_pb.UpdateBookingPageRequest(booking_page=page(id="page"), update_mask=TITLE),
        "DeleteBookingPage": pages_pb.DeleteBookingPageRequest(id="page"),
        "StopBookingPage": pages_pb.StopBookingPageRequest(id="page"),
        "ResumeBookingPage": pages_pb.ResumeBookingPageRequest(id="stopped"),
        "BeginCalendarLink": links_pb.BeginCalendarLinkRequest(account_id="ann"),
        "SelectCalendars": links_pb.SelectCalendarsRequest(id=link_id, check_calendar_ids=["ann@example.com"]),
        "DisconnectCalendarLink": links_pb.DisconnectCalendarLinkRequest(id=link_id),
        "DeleteCalendarLink": links_pb.DeleteCalendarLinkRequest(id=link_id),
        "PutSlackWorkspace": slack_pb.PutSlackWorkspaceRequest(id="acme", bot_token=ACME_TOKEN),
        "DeleteSlackWorkspace": slack_pb.DeleteSlackWorkspaceRequest(id="spare"),
    }


ELSEWHERE = (
    *("RetryNotification", "DiscardNotification", "CreateSilence", "DeleteSilence"),
    *("AssignAppointment", "CancelAppointment", "ReassignAppointment"),
)
"""Tested in test_dead_letters.py, because they need a notice that could not be sent, in test_silences.py, and in
test_appointments.py."""

METHODS_REPEATED = sorted(requests("x"))


@pytest.fixture
async def link_id(backend: Backend) -> str:
    for name in ("ann", "spare"):
        await backend.add_account(name)
    await backend.add_page("page", ALL, "ann")
    await backend.add_page("stopped", ALL, "ann")
    await backend.stop_page("stopped")
    backend.sandbox.slack_workspaces.add("T0SPARE", SPARE_TOKEN)
    backend.sandbox.slack_workspaces.add("T0ACME", ACME_TOKEN)
    await backend.put_slack("spare", SPARE_TOKEN)
    return (await backend.link("ann")).id


def with_id(request: Message, request_id: str = REQUEST_ID) -> Message:
    request.request_id = request_id  # type: ignore[attr-defined]
    return request


def test_every_method_with_a_request_id() -> None:
    """No method is forgotten here."""
    taking = {name for name, method in METHODS.items() if "request_id" in method.request.DESCRIPTOR.fields_by_name}
    assert taking == {*METHODS_REPEATED, *ELSEWHERE}


@pytest.mark.parametrize("name", METHODS_REPEATED)
async def test_replayed(backend: Backend, link_id: str, name: str) -> None:
    """The same call again answers byte for byte as the first did, after a restart too, and changes nothing."""
    request = with_id(requests(link_id)[name]).SerializeToString()
    method = METHODS[name]
    first = await method.call_raw(backend.channel, request)
    asked = len(backend.sandbox.google_requests.records)
    state = backend.rows("SELECT id, revision FROM pages UNION ALL SELECT id, revision FROM links ORDER BY 1")
    assert await method.call_raw(backend.channel, request) == first
    upper = with_id(requests(link_id)[name], REQUEST_ID.upper()).SerializeToString()
    assert await method.call_raw(backend.channel, upper) == first
    await backend.restart()
    assert await method.call_raw(backend.channel, request) == first
    assert len(backend.sandbox.google_requests.records) == asked
    assert state == backend.rows("SELECT id, revision FROM pages UNION ALL SELECT id, revision FROM links ORDER BY 1")


@pytest.mark.parametrize("name", METHODS_REPEATED)
async def test_reused_for_another_request(backend: Backend, link_id: str, name: str) -> None:
    """An id that was used for one call is refused for any other."""
    other = "StopBookingPage" if name != "StopBookingPage" else "CreateAccount"
    await METHODS[other].call(backend.channel, with_id(requests(link_id)[other]))
    before = backend.rows("SELECT * FROM events")
    refusal = await refused(METHODS[name].call(backend.channel, with_id(requests(link_id)[name])))
    assert told(refusal) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    assert backend.rows("SELECT * FROM events") == before


@pytest.mark.parametrize("name", METHODS_REPEATED)
async def test_sent_twice_at_once(backend: Backend, link_id: str, name: str) -> None:
    """Two copies of a call under way at once are one call: both answer the same, and it is done once."""
    request = with_id(requests(link_id)[name]).SerializeToString()
    calls = [METHODS[name].call_raw(backend.channel, request) for _ in range(3)]
    answers = await asyncio.gather(*calls)
    assert len(set(answers)) == 1


async def test_refused_call_may_be_made_again(backend: Backend, link_id: str) -> None:
    """A refusal is not kept: the same call with the same id is done once it is possible."""
    request = with_id(pages_pb.StopBookingPageRequest(id="stopped"))
    stop = METHODS["StopBookingPage"]
    assert told(await refused(stop.call(backend.channel, request)))[1] == "ILLEGAL_TRANSITION"
    await backend.resume_page("stopped")
    answer = await stop.call(backend.channel, request)
    assert answer.booking_page.stop_cause == pages_pb.STOP_CAUSE_OWNER
    assert link_id


async def test_another_id_is_another_call(backend: Backend, link_id: str) -> None:
    """The same request with another id is done again, or refused for what has become of it."""
    request = requests(link_id)["DisconnectCalendarLink"]
    disconnect = METHODS["DisconnectCalendarLink"]
    await disconnect.call(backend.channel, with_id(request))
    refusal = await refused(disconnect.call(backend.channel, with_id(request, ANOTHER)))
    assert told(refusal) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")


async def test_forgotten_after_a_day(backend: Backend, link_id: str) -> None:
    """An answer is kept for 24 hours; after that the id is as good as new."""
    create = METHODS["CreateBookingPage"]
    request = with_id(requests(link_id)["CreateBookingPage"])
    first = await create.call(backend.channel, request)
    await backend.pass_time(hours=23)
    assert await create.call(backend.channel, request) == first
    await backend.pass_time(hours=2)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await create.call(backend.channel, request) == first:
            await backend.pass_time(minutes=11)
    assert len(await backend.all_pages()) == 4
