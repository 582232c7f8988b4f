"""What an open incident owes as time goes by."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from calguard_server.domain.follow_up import REMINDERS, FollowUp, decide_follow_up, next_reminder
from calguard_server.domain.incident import Incident
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import BookingPage, PagePhase
from tests.unit.builders import NOW, make_account, make_page, seconds

DAY = timedelta(days=1)
ACCOUNTS = {name: make_account(name) for name in ("olga", "ann", "bob")}
STOPPED = make_page(faulty=["ann", "bob"], phase=PagePhase.STOPPED_BY_RULE)
BY_BOTH = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_BOTH)
INCIDENT = Incident(id="incident", booking_page_id="page", open_time=NOW, reminder_time=NOW + DAY)


def follow_up(now: datetime, page: BookingPage = STOPPED, incident: Incident = INCIDENT) -> FollowUp:
    return decide_follow_up(incident, page, ACCOUNTS, frozenset(Channel), REMINDERS, now)


@pytest.mark.parametrize(
    ("after", "following"),
    [(0 * DAY, DAY), (DAY - seconds(1), DAY), (DAY, 3 * DAY), (6 * DAY, 7 * DAY), (13 * DAY, 14 * DAY)],
)
def test_the_next_reminder(after: timedelta, following: timedelta) -> None:
    """One falls due a day after the opening, then after 3, 7 and 14 days."""
    assert next_reminder(NOW, NOW + after, REMINDERS) == NOW + following


def test_there_is_a_last_reminder() -> None:
    """And none at all where none is set."""
    assert next_reminder(NOW, NOW + 14 * DAY, REMINDERS) is None
    assert next_reminder(NOW, NOW, ()) is None


def test_a_reminder_goes_to_the_owner_and_those_at_fault_by_now() -> None:
    """Each by every channel; it names all who are at fault."""
    decided = follow_up(NOW + DAY)
    [owed] = decided.owed
    assert (decided.reason, owed.notice.kind, owed.notice.stage) == (
        "REMINDER_DUE",
        NoticeKind.REMINDER,
        "reminder:86400s",
    )
    assert [each.account_id for each in owed.recipients] == ["olga", "ann", "bob"]
    assert {each.channels for each in owed.recipients} == {(Channel.EMAIL, Channel.SLACK)}
    assert [fault.account_id for fault in owed.notice.faults] == ["ann", "bob"]
    assert decided.incident.reminder_time == NOW + 3 * DAY


def test_of_several_that_fell_due_the_last_is_owed() -> None:
    """The server was away for a week."""
    decided = follow_up(NOW + 8 * DAY)
    assert [owed.notice.stage for owed in decided.owed] == [f"reminder:{7 * 86400}s"]
    assert decided.incident.reminder_time == NOW + 14 * DAY


def test_a_reminder_is_owed_once() -> None:
    """Looked at again, the incident owes nothing until the next is due."""
    again = follow_up(NOW + DAY, incident=follow_up(NOW + DAY).incident)
    assert (again.reason, again.owed) == ("NOT_DUE", ())
    last = follow_up(NOW + 14 * DAY, incident=replace(INCIDENT, reminder_time=NOW + 14 * DAY))
    assert len(last.owed) == 1
    assert follow_up(NOW + 15 * DAY, incident=last.incident).owed == ()


def test_a_reminder_is_passed_over_while_the_owner_s_hand_holds() -> None:
    """It does not come later; the next one does."""
    decided = follow_up(NOW + DAY, BY_BOTH)
    assert (decided.reason, decided.owed) == ("STOPPED_BY_HAND", ())
    assert decided.incident.reminder_time == NOW + 3 * DAY
    assert follow_up(NOW + 2 * DAY, incident=decided.incident).reason == "NOT_DUE"


def test_an_incident_that_is_over_is_not_followed_up() -> None:
    """Its time of a reminder is forgotten."""
    assert (INCIDENT.closed(NOW).close_time, INCIDENT.closed(NOW).reminder_time) == (NOW, None)
