"""Callers who are limited to some accounts, where what they see touches what they do not."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from calguard.v1 import account_pb2 as accounts_pb
from calguard.v1 import appointment_pb2 as appointments_pb
from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import watch_pb2 as watch_pb
from tests.e2e.backend import Backend, running_backend
from tests.e2e.bearer import ADMIN, KNOWN, line, overwrite, replace
from tests.e2e.booking import assign, booking
from tests.e2e.stubs import ALL, ANY, Stubs, refused, told

OF_ANN, OF_BEN = "token-for-ann", "token-for-ben"
LINES = (line("for-ann", "writer", OF_ANN, accounts="ann"), line("for-ben", "writer", OF_BEN, accounts="ben"))
TOO_SMALL = ("PERMISSION_DENIED", "SCOPE_TOO_SMALL")
NO_ACCOUNT = ("NOT_FOUND", "ACCOUNT_NOT_FOUND")
REQUEST_ID = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture
def callers(tmp_path: Path) -> Path:
    path = tmp_path / "callers"
    overwrite(path, *KNOWN, *LINES)
    return path


@pytest.fixture
async def backend(tmp_path: Path, callers: Path) -> AsyncIterator[Backend]:
    """With two accounts whose calendars are linked."""
    async with running_backend(tmp_path, ADMIN, auth_tokens_file=str(callers), drain_timeout="0s") as running:
        for account_id in ("ann", "ben"):
            await running.add_account(account_id)
            await running.link(account_id)
        yield running


@pytest.fixture
async def ann(backend: Backend) -> AsyncIterator[Stubs]:
    """What is called by a caller who is limited to Ann's account."""
    async with backend.open_channel(OF_ANN) as channel:
        yield Stubs(channel)


@pytest.fixture
async def ben(backend: Backend) -> AsyncIterator[Stubs]:
    async with backend.open_channel(OF_BEN) as channel:
        yield Stubs(channel)


async def test_a_member_sees_a_page_and_what_is_booked_on_it(backend: Backend, ben: Stubs) -> None:
    """Its state depends on them."""
    await backend.add_page("shared", ALL, "ann", "ann", "ben")
    appointment = await assign(backend, "shared", 2)
    assert (await ben.page("shared")).id == "shared"
    assert [page.id for page in await ben.all_pages()] == ["shared"]
    assert (await ben.explain("shared")).ByteSize()
    start = backend.clock.now()
    assert await ben.availability("shared", start, start + timedelta(hours=8), timedelta(hours=1))
    got = await ben.appointments.GetAppointment(appointments_pb.GetAppointmentRequest(id=appointment.id))
    assert got.appointment.id == appointment.id
    listed = await ben.appointments.ListAppointments(appointments_pb.ListAppointmentsRequest())
    assert [each.id for each in listed.appointments] == [appointment.id]
    assert {link.account_id for link in await ben.all_links()} == {"ben"}
    assert [link.account_id for link in await ben.all_links("ann")] == []


async def test_a_member_changes_nothing_of_it(backend: Backend, ben: Stubs) -> None:
    await backend.add_page("shared", ALL, "ann", "ann", "ben")
    appointment = await assign(backend, "shared", 2)
    page = pages_pb.BookingPage(id="shared", title="Mine")
    cancel = appointments_pb.CancelAppointmentRequest(id=appointment.id)
    reassign = appointments_pb.ReassignAppointmentRequest(id=appointment.id)
    for call in (
        ben.change_page(page, "title"),
        ben.stop_page("shared"),
        ben.resume_page("shared"),
        ben.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="shared")),
        ben.appointments.AssignAppointment(booking(backend, "shared", 4)),
        ben.appointments.CancelAppointment(cancel),
        ben.appointments.ReassignAppointment(reassign),
    ):
        assert told(await refused(call)) == TOO_SMALL


async def test_whoever_has_an_appointment_sees_it_when_its_page_is_theirs_no_more(backend: Backend, ben: Stubs) -> None:
    """And nothing else of that page; when the page is gone they may still not change it."""
    await backend.add_page("shared", ALL, "ann", "ann", "ben")
    mine = await assign(backend, "shared", 2)
    await backend.set_members("shared", "ann")
    other = await assign(backend, "shared", 4)
    listed = await ben.appointments.ListAppointments(appointments_pb.ListAppointmentsRequest())
    assert [each.id for each in listed.appointments] == [mine.id]
    gone = await refused(ben.appointments.GetAppointment(appointments_pb.GetAppointmentRequest(id=other.id)))
    assert told(gone) == ("NOT_FOUND", "APPOINTMENT_NOT_FOUND")
    cancel = appointments_pb.CancelAppointmentRequest(id=mine.id)
    assert told(await refused(ben.appointments.CancelAppointment(cancel))) == TOO_SMALL
    await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="shared"))
    assert told(await refused(ben.appointments.CancelAppointment(cancel))) == ("NOT_FOUND", "BOOKING_PAGE_NOT_FOUND")


async def test_nobody_is_put_on_a_page_by_who_does_not_see_them(backend: Backend, ann: Stubs) -> None:
    """Nor is a page given to them. Whom somebody else has put there stays."""
    assert told(await refused(ann.add_page("p", ALL, "ben", "ann"))) == NO_ACCOUNT
    assert told(await refused(ann.add_page("p", ALL, "ann", "ann", "ben"))) == NO_ACCOUNT
    await ann.add_page("p", ALL, "ann", "ann")
    assert told(await refused(ann.set_members("p", "ann", "ben"))) == NO_ACCOUNT
    given = pages_pb.BookingPage(id="p", owner_account_id="ben")
    assert told(await refused(ann.change_page(given, "owner_account_id"))) == NO_ACCOUNT
    await backend.set_members("p", "ann", "ben")
    assert len((await ann.set_members("p", "ben", "ann")).members) == 2


async def test_what_is_made_is_made_for_the_own_account(backend: Backend, ann: Stubs) -> None:
    assert told(await refused(ann.begin("ben"))) == NO_ACCOUNT
    [link] = await backend.all_links("ben")
    assert told(await refused(ann.begin("ann", calendar_link_id=link.id))) == ("NOT_FOUND", "CALENDAR_LINK_NOT_FOUND")
    assert told(await refused(ann.add_account("carl"))) == NO_ACCOUNT
    assert told(await refused(ann.add_account(""))) == TOO_SMALL
    await backend.set_members((await backend.add_page("p", ALL, "ben", "ben")).id, "ben")
    await ann.delete_account("ann")
    assert (await ann.add_account("ann")).id == "ann"


async def test_a_repeated_request_is_answered_to_those_of_the_same_scope_alone(
    backend: Backend, ann: Stubs, ben: Stubs
) -> None:
    """Also when what it named is gone; to others the id of a request says nothing."""
    await backend.add_page("p", ALL, "ann", "ann")
    delete = pages_pb.DeleteBookingPageRequest(id="p", request_id=REQUEST_ID)
    for _ in range(2):
        await ann.pages.DeleteBookingPage(delete)
    for others in (ben, backend):
        assert told(await refused(others.pages.DeleteBookingPage(delete))) == ("NOT_FOUND", "BOOKING_PAGE_NOT_FOUND")
    other = accounts_pb.DeleteAccountRequest(id="ann", request_id=REQUEST_ID)
    assert told(await refused(ann.accounts.DeleteAccount(other))) == ("INVALID_ARGUMENT", "REQUEST_ID_REUSED")
    begin = links_pb.BeginCalendarLinkRequest(account_id="ben", request_id=REQUEST_ID)
    assert (await ben.links.BeginCalendarLink(begin)).state


async def test_a_watch_tells_of_what_is_seen(backend: Backend, ben: Stubs) -> None:
    """From when it is seen until it is not any more; others' filters do not widen it."""
    await backend.add_page("others", ALL, "ann", "ann")
    watcher, silent = ben.watch(), ben.watch(account_ids=["ann"])
    known = await watcher.snapshot()
    assert [change.WhichOneof("resource") for change in known] == ["calendar_link"]
    assert await silent.snapshot() == []
    await backend.add_page("shared", ALL, "ann", "ann")
    joined = await backend.set_members("shared", "ann", "ben")
    left = await backend.set_members("shared", "ann")
    await backend.stop_page("shared")
    own = await backend.add_page("own", ALL, "ben", "ben")
    assert await watcher.up_to(own.revision) == [joined.revision, left.revision, own.revision]
    [entered, gone, _] = watcher.changes
    transitions = (watch_pb.FILTER_TRANSITION_ENTERED, watch_pb.FILTER_TRANSITION_LEFT)
    assert (entered.filter_transition, gone.filter_transition) == transitions
    assert silent.changes == []
    status = ben.watch(kinds=[watch_pb.RESOURCE_KIND_PROVIDER_STATUS])
    assert told(await status.ended()) == TOO_SMALL
    for each in (watcher, silent):
        each.cancel()


async def test_a_watch_of_appointments_tells_of_those_of_its_accounts(backend: Backend, ben: Stubs) -> None:
    """Asked for by `kinds`; what others have is not sent, also where it is on a page that is seen."""
    await backend.add_page("shared", ANY, "ann", "ann", "ben")
    watcher = ben.watch(kinds=[watch_pb.RESOURCE_KIND_APPOINTMENT])
    assert await watcher.snapshot() == []
    await assign(backend, "shared", 2, account_id="ann")
    own = await assign(backend, "shared", 4, account_id="ben")
    await watcher.up_to(own.revision)
    assert {change.appointment.id for change in watcher.changes} == {own.id}
    watcher.cancel()
    again = ben.watch(kinds=[watch_pb.RESOURCE_KIND_APPOINTMENT])
    assert [change.appointment.id for change in await again.snapshot()] == [own.id]
    again.cancel()


async def test_a_watch_ends_when_its_scope_changes(backend: Backend, ben: Stubs, callers: Path) -> None:
    """What was begun with other accounts is not gone on with: neither as a stream nor by its token."""
    watcher = ben.watch()
    await watcher.snapshot()
    replace(callers, *KNOWN, LINES[0], line("for-ben", "writer", OF_BEN, accounts="ben,ann"))
    assert told(await backend.ticking(watcher.ended())) == ("PERMISSION_DENIED", "SCOPE_CHANGED")
    resumed = ben.watch(resume_token=watcher.token)
    assert told(await resumed.ended()) == ("INVALID_ARGUMENT", "TOKEN_FILTER_MISMATCH")
    again = ben.watch()
    assert len(await again.snapshot()) == 2
    again.cancel()
