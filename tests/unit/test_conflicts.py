"""When appointments are reviewed, and what is then in their way."""

from datetime import timedelta

import pytest

from calguard_server.domain.appointment import Appointment, AppointmentState, Assignee, Conflict, Entry, EntryState
from calguard_server.domain.conflicts import OwnEvent, conflicts_of, own_events, readable_again
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.notices import appointment_of, conflict_notice, decide_assignment_notice
from calguard_server.domain.page import PagePhase, SchedulingMode
from tests.unit.builders import NOW, make_link, make_page

LINKED, DEGRADED, FAILED, STOPPED = LinkState


def between(start: int, end: int) -> Interval:
    """Minutes from now."""
    return Interval(NOW + timedelta(minutes=start), NOW + timedelta(minutes=end))


HOUR = between(0, 60)
Spans = list[tuple[int, int]]


@pytest.mark.parametrize("after", LinkState)
@pytest.mark.parametrize("before", LinkState)
@pytest.mark.parametrize("checked", [("me@example.com",), ()])
def test_when_calendars_can_be_read_again(before: LinkState, after: LinkState, checked: tuple[str, ...]) -> None:
    """From FAILED or STOPPED to LINKED or DEGRADED, where there is something to read."""
    change = (make_link(before), make_link(after, check_calendar_ids=checked))
    expected = before in (FAILED, STOPPED) and after in (LINKED, DEGRADED) and bool(checked)
    assert readable_again(*change) == expected


@pytest.mark.parametrize(
    ("busy", "own", "expected"),
    [
        ([], [], []),
        ([(-30, 0), (60, 90)], [], []),  # they touch
        ([(10, 20)], [], [(10, 20)]),
        ([(-30, 10), (50, 90)], [], [(0, 10), (50, 60)]),
        ([(-600, 600)], [], [(0, 60)]),
        ([(10, 30), (20, 40)], [], [(10, 40)]),
        ([(0, 60)], [(0, 60)], []),
        ([(-30, 90)], [(0, 60)], []),  # beneath our own event nothing is seen
        ([(0, 60)], [(-30, 30)], [(30, 60)]),  # another appointment's, which is on its way out
        ([(0, 60)], [(20, 40)], [(0, 20), (40, 60)]),
    ],
)
def test_what_is_in_the_way(busy: Spans, own: Spans, expected: Spans) -> None:
    """What takes the appointment's time, but for the times of our own events."""
    ours = [OwnEvent("me", between(*each)) for each in own]
    found = conflicts_of("ann", HOUR, {"me": [between(*each) for each in busy]}, ours)
    assert found == tuple(Conflict("ann", "me", between(*each)) for each in expected)


def test_our_own_events_take_nothing_from_other_calendars() -> None:
    busy = {"team": [between(0, 30)], "me": [between(0, 60)]}
    found = conflicts_of("ann", HOUR, busy, [OwnEvent("me", HOUR)])
    assert found == (Conflict("ann", "team", between(0, 30)),)


@pytest.mark.parametrize("fence", [0, 1])
@pytest.mark.parametrize("state", EntryState)
def test_what_was_sent_may_be_there_until_it_is_removed(state: EntryState, fence: int) -> None:
    """Whoever has the appointment, or had it before."""
    entries = [Entry(event_id=each, account_id=each, state=state, calendar_id=each, fence=fence) for each in "ab"]
    appointment = Appointment(
        id="one",
        booking_page_id="page",
        time=HOUR,
        time_zone="UTC",
        title="Visit",
        attendees=(),
        assignees=(Assignee(account_id="a", faulty=True, entry=entries[0], assign_time=NOW),),
        former=(entries[1],),
        state=AppointmentState.ASSIGNED,
        create_time=NOW,
        update_time=NOW,
    )
    there = fence > 0 and state is not EntryState.REMOVED
    assert own_events(appointment) == ((OwnEvent("a", HOUR), OwnEvent("b", HOUR)) if there else ())


def test_the_owner_is_told_once_for_each_assignment() -> None:
    page = make_page(owner_account_id="olga")
    first, again = (conflict_notice(page, "appointment-1", NOW + timedelta(days=each)) for each in (0, 1))
    assert first.recipient_account_ids == ("olga",)
    assert first.stage != again.stage
    assert {appointment_of(each.stage) for each in (first, again)} == {"appointment-1"}


def test_stages_of_appointments_name_them() -> None:
    faulty = make_page(SchedulingMode.AUTO_ASSIGN, ["ann", "bob"], ["ann"], PagePhase.DEGRADED)
    notice = decide_assignment_notice(faulty, "ann", "appointment-1")
    assert notice is not None
    assert appointment_of(notice.stage) == "appointment-1"
    assert appointment_of("stopped:3") == ""
