"""The story of each scheduling mode: which pages stop, and exactly who is told, by e-mail and by Slack."""

from dataclasses import dataclass

import pytest

from calguard.v1 import booking_page_pb2 as pages_pb
from calguard.v1 import calendar_link_pb2 as links_pb
from calguard.v1 import notification_pb2 as notices_pb
from tests.e2e.backend import Backend
from tests.e2e.stubs import ALL, ANY, AUTO, Heard, Mode, refused, told

LINKED, DEGRADED, STOPPED = (
    pages_pb.BOOKING_PAGE_STATE_LINKED,
    pages_pb.BOOKING_PAGE_STATE_DEGRADED,
    pages_pb.BOOKING_PAGE_STATE_STOPPED,
)
NONE, BY_RULE, BY_OWNER, BY_BOTH = (
    pages_pb.STOP_CAUSE_NONE,
    pages_pb.STOP_CAUSE_CALENDAR_FAILURE,
    pages_pb.STOP_CAUSE_OWNER,
    pages_pb.STOP_CAUSE_BOTH,
)
STOP, ANOTHER, AGAIN = "Booking page stopped", "Another calendar fails", "Accepting bookings again"
EVERY_FAULTY_STOPS = pytest.mark.parametrize("mode", [ANY, AUTO])


def both(subject: str, *people: str) -> list[Heard]:
    """One e-mail and one Slack message to each."""
    return sorted((channel, f"{name}@example.com", subject) for channel in ("EMAIL", "SLACK") for name in people)


@dataclass
class Team:
    """Ann and Ben, whose calendars are linked, and Olga, who has none and owns pages."""

    ann: links_pb.CalendarLink
    ben: links_pb.CalendarLink


@pytest.fixture
async def team(backend: Backend) -> Team:
    for account_id in ("ann", "ben", "olga"):
        await backend.add_account(account_id)
    return Team(await backend.link("ann"), await backend.link("ben"))


async def state_of(backend: Backend, page_id: str = "page") -> tuple[int, int, bool]:
    page = await backend.page(page_id)
    return page.state, page.stop_cause, page.accepting


async def test_all_members(backend: Backend, team: Team) -> None:
    """ALL_MEMBERS stops with the first faulty member and tells of each further one, to the owner and that account."""
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    assert await state_of(backend) == (LINKED, NONE, True)
    await backend.break_link(team.ann)
    assert await state_of(backend) == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "olga", "ann")
    await backend.break_link(team.ben)
    assert await backend.heard_since_settled() == both(f"{ANOTHER}: Page page", "olga", "ben")
    assert [faulty.account_id for faulty in (await backend.page("page")).faulty] == ["ann", "ben"]
    await backend.relink(team.ann)
    assert await state_of(backend) == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == []
    await backend.relink(team.ben)
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "olga", "ann", "ben")


@EVERY_FAULTY_STOPS
async def test_every_member_faulty(backend: Backend, team: Team, mode: Mode) -> None:
    """ANY_MEMBER and AUTO_ASSIGN bear a partial failure in silence, stop with the last healthy member, tell once."""
    await backend.add_page("page", mode, "olga", "ann", "ben")
    await backend.break_link(team.ann)
    assert await state_of(backend) == (DEGRADED, NONE, True)
    assert await backend.heard_since_settled() == []
    await backend.break_link(team.ben)
    assert await state_of(backend) == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "olga", "ann", "ben")
    await backend.relink(team.ben)
    assert await state_of(backend) == (DEGRADED, NONE, True)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "olga", "ann", "ben")
    await backend.relink(team.ann)
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == []


@pytest.mark.parametrize("mode", [ALL, ANY, AUTO])
async def test_owner_at_fault_gets_one_message_a_channel(backend: Backend, team: Team, mode: Mode) -> None:
    """Whoever is both owner and at fault gets one message by each channel, not two."""
    await backend.add_page("page", mode, "ann", "ann")
    await backend.break_link(team.ann)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "ann")
    await backend.relink(team.ann)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "ann")


async def test_owner_among_the_members_who_is_well(backend: Backend, team: Team) -> None:
    """An owner who is a member, and well, is told as the owner."""
    await backend.add_page("page", ALL, "ben", "ann", "ben")
    await backend.break_link(team.ann)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "ann", "ben")


async def test_failed_owner_who_is_no_member(backend: Backend, team: Team) -> None:
    """The owner's own calendar is of no concern where the owner is not a member."""
    await backend.add_page("page", ALL, "ann", "ben")
    await backend.break_link(team.ann)
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == []


@pytest.mark.parametrize("mode", [ALL, ANY, AUTO])
async def test_page_without_members_never_stops(backend: Backend, team: Team, mode: Mode) -> None:
    """A page with no members is never stopped by rule."""
    await backend.add_page("page", mode, "ann")
    await backend.break_link(team.ann)
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == []


async def test_page_made_with_a_faulty_member(backend: Backend, team: Team) -> None:
    """A page is stopped, and told of, the moment it is created with a faulty member; so when one is added."""
    await backend.break_link(team.ann)
    await backend.add_page("page", ALL, "olga", "ann")
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "olga", "ann")
    await backend.add_page("other", ALL, "olga", "ben")
    await backend.set_members("other", "ben", "ann")
    assert await state_of(backend, "other") == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page other", "olga", "ann")


async def test_faulty_member_taken_off_the_page(backend: Backend, team: Team) -> None:
    """Taking the faulty member off the page starts it again, and those who were told are told so."""
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    await backend.break_link(team.ann)
    await backend.heard_since_settled()
    await backend.set_members("page", "ben")
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "olga", "ann")


async def test_changing_the_mode_applies_its_rule(backend: Backend, team: Team) -> None:
    """A page that bears a partial failure stops when its mode becomes ALL_MEMBERS, and goes on when it is undone."""
    await backend.add_page("page", ANY, "olga", "ann", "ben")
    await backend.break_link(team.ann)
    await backend.set_mode("page", ALL)
    assert await state_of(backend) == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "olga", "ann")
    await backend.set_mode("page", ANY)
    assert await state_of(backend) == (DEGRADED, NONE, True)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "olga", "ann")


async def test_degraded_link_stops_no_page(backend: Backend, team: Team) -> None:
    """A link that is only DEGRADED stops nothing and tells nobody."""
    await backend.add_page("page", ALL, "olga", "ann")
    backend.sandbox.fault("api/backendError", user="ann@example.com")
    assert (await backend.check(team.ann.id)).state == links_pb.CALENDAR_LINK_STATE_DEGRADED
    assert await state_of(backend) == (DEGRADED, NONE, True)
    assert await backend.heard_since_settled() == []


async def test_stopped_by_hand(backend: Backend, team: Team) -> None:
    """Nobody is told of a stop by hand, nor of failures meanwhile; no recovery reopens the page."""
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.stop_page("page")
    assert await state_of(backend) == (STOPPED, BY_OWNER, False)
    await backend.break_link(team.ann)
    assert await state_of(backend) == (STOPPED, BY_BOTH, False)
    await backend.relink(team.ann)
    assert await state_of(backend) == (STOPPED, BY_OWNER, False)
    await backend.resume_page("page")
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == []


async def test_resumed_while_a_member_is_faulty(backend: Backend, team: Team) -> None:
    """On resume the rule is applied afresh: the page stays stopped by it, and that is told as a stop is."""
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.stop_page("page")
    await backend.break_link(team.ann)
    assert await backend.heard_since_settled() == []
    await backend.resume_page("page")
    assert await state_of(backend) == (STOPPED, BY_RULE, False)
    assert await backend.heard_since_settled() == both(f"{STOP}: Page page", "olga", "ann")


async def test_stopped_by_hand_after_the_rule(backend: Backend, team: Team) -> None:
    """Whoever was told of a stop by rule is told of its end, though the owner stopped the page in between."""
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(team.ann)
    await backend.heard_since_settled()
    await backend.stop_page("page")
    await backend.relink(team.ann)
    assert await state_of(backend) == (STOPPED, BY_OWNER, False)
    assert await backend.heard_since_settled() == []
    await backend.resume_page("page")
    assert await state_of(backend) == (LINKED, NONE, True)
    assert await backend.heard_since_settled() == both(f"{AGAIN}: Page page", "olga", "ann")


async def test_hand_moves_that_are_illegal(backend: Backend, team: Team) -> None:
    """Stopping twice, and resuming what is not stopped by hand, are refused and change nothing."""
    await backend.add_page("page", ALL, "olga", "ann")
    assert told(await refused(backend.resume_page("page"))) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    stopped = await backend.stop_page("page")
    assert told(await refused(backend.stop_page("page"))) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert await backend.page("page") == stopped
    await backend.resume_page("page")
    await backend.break_link(team.ann)
    refusal = await refused(backend.resume_page("page"))
    assert told(refusal) == ("FAILED_PRECONDITION", "ILLEGAL_TRANSITION")
    assert await state_of(backend) == (STOPPED, BY_RULE, False)


async def test_flapping_within_an_incident(backend: Backend, team: Team) -> None:
    """A member that recovers and fails again while the page stays stopped is told of once."""
    await backend.add_page("page", ALL, "olga", "ann", "ben")
    await backend.break_link(team.ben)
    await backend.break_link(team.ann)
    await backend.heard_since_settled()
    for _ in range(3):
        await backend.relink(team.ann)
        await backend.break_link(team.ann)
    assert await backend.heard_since_settled() == []
    assert await state_of(backend) == (STOPPED, BY_RULE, False)


async def test_page_deleted_while_stopped(backend: Backend, team: Team) -> None:
    """A page that is deleted while it is stopped is told of no more."""
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(team.ann)
    await backend.heard_since_settled()
    await backend.pages.DeleteBookingPage(pages_pb.DeleteBookingPageRequest(id="page"))
    await backend.relink(team.ann)
    assert await backend.heard_since_settled() == []


async def test_one_of_two_links_failed(backend: Backend, team: Team) -> None:
    """A member with two linked Google accounts is faulty as soon as one fails, and well once that one works."""
    second = await backend.link("ann", email="ben@example.com")
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(second)
    [faulty] = (await backend.page("page")).faulty
    assert faulty.calendar_link_id == second.id
    await backend.relink(second, email="ben@example.com")
    assert await state_of(backend) == (LINKED, NONE, True)
    assert team.ann.id != second.id


async def test_ledger_tells_what_was_sent(backend: Backend, team: Team) -> None:
    """ListNotifications tells kind, page, link, recipient, channel, address, state and revision of each notice."""
    await backend.add_page("page", ALL, "olga", "ann")
    await backend.break_link(team.ann)
    sent = await backend.settled()
    page = await backend.page("page")
    assert {(notice.recipient_account_id, notice.channel) for notice in sent} == {
        (account_id, channel)
        for account_id in ("olga", "ann")
        for channel in (notices_pb.NOTIFICATION_CHANNEL_EMAIL, notices_pb.NOTIFICATION_CHANNEL_SLACK)
    }
    for notice in sent:
        assert notice.kind == notices_pb.NOTIFICATION_KIND_PAGE_STOPPED
        assert notice.state == notices_pb.NOTIFICATION_STATE_SENT
        assert (list(notice.booking_page_ids), notice.calendar_link_id) == (["page"], team.ann.id)
        assert (notice.faulty_account_id, notice.revision, notice.attempts) == ("ann", page.revision, 1)
        assert notice.HasField("send_time")
        assert not notice.HasField("next_attempt_time")
        assert notice.address
        read = await backend.notices.GetNotification(notices_pb.GetNotificationRequest(id=notice.id))
        assert len(read.notification.attempt_history) == 1
        read.notification.ClearField("attempt_history")
        assert read.notification == notice
