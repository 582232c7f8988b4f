"""Choosing calendars: what a linked account shows, what can serve for what, and what a choice does to the link."""

import pytest

from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import cause_pb2
from tests.e2e.backend import Backend
from tests.e2e.oauth_scopes import CHECK, LIST
from tests.e2e.stubs import ALL, refused, told

ANN = "ann@example.com"
TEAM = "team@group.calendar.google.com"
HOLIDAYS = "en.usa#holiday@group.v.calendar.google.com"
LINKED, DEGRADED, FAILED = (
    links_pb.CALENDAR_LINK_STATE_LINKED,
    links_pb.CALENDAR_LINK_STATE_DEGRADED,
    links_pb.CALENDAR_LINK_STATE_FAILED,
)


@pytest.fixture
async def link(backend: Backend) -> links_pb.CalendarLink:
    await backend.add_account("ann")
    return await backend.link("ann")


async def test_list_tells_what_each_calendar_can_serve_for(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Any role can be checked; adding needs writer or owner, and what cannot serve is shown with the reason."""
    calendars = await backend.calendars(link.id)
    assert list(calendars) == [ANN, HOLIDAYS, TEAM]  # primary first, then by name
    roles = {calendar.id: (calendar.access_role, calendar.primary) for calendar in calendars.values()}
    assert roles == {ANN: ("owner", True), TEAM: ("writer", False), HOLIDAYS: ("reader", False)}
    assert all(calendar.can_check for calendar in calendars.values())
    assert {calendar.id for calendar in calendars.values() if calendar.can_add} == {ANN, TEAM}
    assert (calendars[ANN].refusal, calendars[TEAM].refusal) == ("", "")
    assert "reader" in calendars[HOLIDAYS].refusal


@pytest.mark.parametrize(
    ("role", "can_add"),
    [("freeBusyReader", False), ("writerWithoutPrivateAccess", True), ("writer", True), ("owner", True)],
)
async def test_roles(backend: Backend, link: links_pb.CalendarLink, role: str, *, can_add: bool) -> None:
    """Each role that may write can be added to, and what the list says holds when it is selected."""
    backend.sandbox.google.share(ANN, HOLIDAYS, role)
    assert (await backend.calendars(link.id))[HOLIDAYS].can_add == can_add
    if can_add:
        assert (await backend.select(link.id, [HOLIDAYS], HOLIDAYS)).state == LINKED
    else:
        assert told(await refused(backend.select(link.id, [], HOLIDAYS)))[1] == "CALENDAR_REFUSED"


async def test_list_without_the_permission_to_add(backend: Backend) -> None:
    """Where the box for adding was not ticked, no calendar can be added to, and the list says why."""
    await backend.add_account("ann")
    link = await backend.link("ann", scopes=(LIST, CHECK))
    calendars = await backend.calendars(link.id)
    assert not any(calendar.can_add for calendar in calendars.values())
    assert "tick every checkbox" in calendars[ANN].refusal


async def test_list_of_a_revoked_grant(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A listing that finds the grant void is refused with the cause, and the link fails at once."""
    backend.sandbox.google.revoke(ANN)
    refusal = await refused(backend.calendars(link.id))
    assert told(refusal) == ("FAILED_PRECONDITION", "CALENDAR_LINK_NOT_AUTHORIZED")
    assert refusal.metadata["cause"] == "AUTHORIZATION_REVOKED"
    assert (await backend.calendar_link(link.id)).state == FAILED


async def test_list_while_google_is_down(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Where Google does not answer, the listing is UNAVAILABLE, and the link stays as it is."""
    backend.sandbox.fault("api/503_html")
    refusal = await refused(backend.calendars(link.id))
    assert told(refusal) == ("UNAVAILABLE", "PROVIDER_UNREACHABLE")
    assert await backend.calendar_link(link.id) == link


async def test_select_replaces_both(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A selection replaces the one before, changes the etag, and is answered after a check of it."""
    chosen = await backend.select(link.id, [TEAM, HOLIDAYS], TEAM)
    assert (list(chosen.check_calendar_ids), chosen.add_calendar_id) == ([TEAM, HOLIDAYS], TEAM)
    assert chosen.state == LINKED
    assert chosen.etag != link.etag
    assert await backend.calendar_link(link.id) == chosen


async def test_reader_cannot_be_added_to(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A calendar that may only be read is refused for adding, with the reason, and nothing is changed."""
    refusal = await refused(backend.select(link.id, [ANN], HOLIDAYS))
    assert told(refusal) == ("FAILED_PRECONDITION", "CALENDAR_REFUSED")
    assert refusal.metadata["calendar_id"] == HOLIDAYS
    assert "Make changes to events" in refusal.metadata["refusal"]
    assert await backend.calendar_link(link.id) == link


@pytest.mark.parametrize(("check", "add"), [(["nobodys@example.com"], ""), ([], "nobodys@example.com")])
async def test_unknown_calendar(backend: Backend, link: links_pb.CalendarLink, check: list[str], add: str) -> None:
    """A calendar that the linked account does not show is refused, and nothing is changed."""
    refusal = await refused(backend.select(link.id, check, add))
    assert told(refusal) == ("FAILED_PRECONDITION", "CALENDAR_REFUSED")
    assert refusal.metadata["calendar_id"] == "nobodys@example.com"
    assert await backend.calendar_link(link.id) == link


async def test_nothing_selected(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A link with neither set is DEGRADED with SELECTION_MISSING; selecting again makes it LINKED."""
    empty = await backend.select(link.id, [], "")
    assert (empty.state, empty.cause.reason) == (DEGRADED, cause_pb2.CAUSE_REASON_SELECTION_MISSING)
    assert empty.next_action == links_pb.NEXT_ACTION_SELECT_CALENDARS
    again = await backend.select(link.id, [], TEAM)
    assert (again.state, again.HasField("cause")) == (LINKED, False)


async def test_stale_etag(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A selection that rests on an older one is ABORTED; the etag does not change with the link's state."""
    chosen = await backend.select(link.id, [TEAM], TEAM, etag=link.etag)
    refusal = await refused(backend.select(link.id, [ANN], ANN, etag=link.etag))
    assert told(refusal) == ("ABORTED", "ETAG_MISMATCH")
    assert await backend.calendar_link(link.id) == chosen
    failed = await backend.break_link(chosen)
    assert (failed.state, failed.etag) == (FAILED, chosen.etag)


async def test_check_calendar_unshared(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A check calendar that is no longer shared fails the link, which names it, and stops the page that needs it."""
    await backend.select(link.id, [ANN, TEAM], ANN)
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.google.unshare(ANN, TEAM)
    failed = await backend.check(link.id)
    assert (failed.state, failed.cause.reason) == (FAILED, cause_pb2.CAUSE_REASON_CALENDAR_NOT_VISIBLE)
    assert failed.cause.calendar_id == TEAM
    assert (failed.authorized, failed.next_action) == (True, links_pb.NEXT_ACTION_SELECT_CALENDARS)
    [faulty] = (await backend.page("page")).faulty
    assert (faulty.account_id, faulty.calendar_link_id, faulty.cause.calendar_id) == ("ann", link.id, TEAM)


async def test_choosing_another_calendar_mends_it(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Choosing other calendars than the one that is gone mends the link and starts its page again."""
    await backend.select(link.id, [TEAM], "")
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.google.unshare(ANN, TEAM)
    assert (await backend.check(link.id)).state == FAILED
    assert told(await refused(backend.select(link.id, [TEAM], "")))[1] == "CALENDAR_REFUSED"
    assert (await backend.select(link.id, [ANN], "")).state == LINKED
    assert (await backend.page("page")).accepting


async def test_sharing_it_again_mends_it(backend: Backend, link: links_pb.CalendarLink) -> None:
    """Sharing the calendar again mends the link at its next check."""
    await backend.select(link.id, [TEAM], "")
    backend.sandbox.google.unshare(ANN, TEAM)
    assert (await backend.check(link.id)).state == FAILED
    backend.sandbox.google.share(ANN, TEAM, "reader")
    assert (await backend.check(link.id)).state == LINKED


async def test_one_doubtful_answer_does_not_fail(backend: Backend, link: links_pb.CalendarLink) -> None:
    """A calendar that is missing in one answer only is asked for a second time at once, and fails nothing."""
    backend.sandbox.fault("freebusy/notFound", times=1)
    assert (await backend.check(link.id)).state == LINKED


async def test_add_calendar_trouble_only_degrades(backend: Backend, link: links_pb.CalendarLink) -> None:
    """An add calendar that is gone, or may no longer be written, degrades the link and stops no page."""
    await backend.select(link.id, [ANN], TEAM)
    await backend.add_page("page", ALL, "ann", "ann")
    backend.sandbox.google.share(ANN, TEAM, "reader")
    read_only = await backend.check(link.id)
    assert (read_only.state, read_only.cause.reason) == (DEGRADED, cause_pb2.CAUSE_REASON_CALENDAR_READ_ONLY)
    backend.sandbox.google.unshare(ANN, TEAM)
    gone = await backend.check(link.id)
    assert (gone.state, gone.cause.reason) == (DEGRADED, cause_pb2.CAUSE_REASON_ADD_CALENDAR_NOT_VISIBLE)
    assert (await backend.page("page")).accepting


async def test_failed_link_without_check_calendars_is_not_faulty(backend: Backend, link: links_pb.CalendarLink) -> None:
    """An account whose failed link has no check calendar selected is not faulty: no page refers to it."""
    await backend.select(link.id, [], TEAM)
    await backend.add_page("page", ALL, "ann", "ann")
    assert (await backend.break_link(link)).state == FAILED
    page = await backend.page("page")
    assert (page.accepting, list(page.faulty)) == (True, [])
