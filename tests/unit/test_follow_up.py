"""What an open incident owes as time goes by: reminders, and what a silence held back."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.follow_up import REMINDERS, FollowUp, Situation, decide_follow_up, next_reminder
from calguard_server.domain.incident import Incident, Told
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import BookingPage, PagePhase
from calguard_server.domain.silence import Silence
from tests.unit.builders import NOW, make_account, make_page, seconds

DAY = timedelta(days=1)
ACCOUNTS = {name: make_account(name) for name in ("olga", "ann", "bob")}
STOPPED = make_page(faulty=["ann", "bob"], phase=PagePhase.STOPPED_BY_RULE)
BY_BOTH = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_BOTH)
INCIDENT = Incident(id="incident", booking_page_id="page", open_time=NOW, reminder_time=NOW + DAY)


def follow_up(
    now: datetime, page: BookingPage = STOPPED, incident: Incident = INCIDENT, silences: Sequence[Silence] = ()
) -> FollowUp:
    return decide_follow_up(incident, page, Situation(ACCOUNTS, frozenset(Channel), silences, REMINDERS, now))


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


# --- when a silence is over


def told(stage: str, recipient: str, channel: Channel = Channel.EMAIL, state: str = "SENT") -> Told:
    return Told(recipient, channel, stage, DeliveryState(state))


def silenced(stage: str, recipient: str, *named: str, channel: Channel = Channel.EMAIL) -> Told:
    return Told(recipient, channel, stage, DeliveryState.SUPPRESSED, silenced=True, named=named)


def silence(end: datetime, page: str = "", account: str = "", link: str = "") -> Silence:
    return Silence(
        id="s",
        booking_page_id=page,
        account_id=account,
        calendar_link_id=link,
        end_time=end,
        reason="",
        create_time=NOW,
    )


def after_silence(
    *entries: Told, page: BookingPage = STOPPED, silences: Sequence[Silence] = ()
) -> tuple[str, datetime | None, list[tuple[str, str, str, tuple[str, ...], list[str]]]]:
    incident = replace(INCIDENT, told=entries, silenced_time=NOW)
    decided = follow_up(NOW, page, incident, silences)
    owed = [
        (
            each.notice.kind.value,
            each.notice.stage,
            whom.account_id,
            whom.channels,
            [f.account_id for f in each.notice.faults],
        )
        for each in decided.owed
        for whom in each.recipients
    ]
    return decided.reason.value, decided.incident.silenced_time, owed


BY_MAIL = (Channel.EMAIL,)


def test_a_stop_that_was_held_back_is_told_when_the_silence_is_over() -> None:
    """Once, to whom and by which channel it was held back, naming all who are at fault by then."""
    entries = [silenced("stopped", "olga", "ann"), silenced("stopped", "ann", "ann"), told("stopped", "bob")]
    assert after_silence(*entries) == (
        "SILENCE_OVER",
        None,
        [
            ("PAGE_STOPPED", "stopped:silenced:3", "olga", BY_MAIL, ["ann", "bob"]),
            ("PAGE_STOPPED", "stopped:silenced:4", "ann", BY_MAIL, ["ann", "bob"]),
        ],
    )
    assert after_silence(*entries, told("stopped:silenced:3", "olga"), told("stopped:silenced:4", "ann"))[2] == []


def test_whoever_knows_of_the_stop_is_told_who_is_at_fault_besides() -> None:
    """Only those of whom something was held back, and are at fault still."""
    entries = [told("stopped", "olga"), silenced("faulty:bob", "olga", "bob"), silenced("faulty:cleo", "olga", "cleo")]
    assert after_silence(*entries)[2] == [("MEMBER_FAULTY", "others:silenced:3", "olga", BY_MAIL, ["bob"])]
    assert after_silence(*entries, told("faulty:bob:9", "olga"))[2] == []
    assert after_silence(*entries, told("stopped:9", "olga"))[2] == []


@pytest.mark.parametrize("held", [silence(NOW + DAY, page="page"), silence(NOW + DAY, account="olga")])
def test_what_is_still_silenced_is_looked_at_again(held: Silence) -> None:
    """When the silence is over, as it is known now; nothing is told before."""
    assert after_silence(silenced("stopped", "olga", "ann"), silences=[held]) == ("STILL_SILENCED", NOW + DAY, [])


def test_nothing_is_told_while_any_of_it_is_silenced() -> None:
    """Bob's link is silenced for longer than Ann's."""
    both = [silence(NOW, link="ann-google"), silence(NOW + DAY, link="bob-google")]
    assert after_silence(silenced("stopped", "olga", "ann", "bob"), silences=both) == ("STILL_SILENCED", NOW + DAY, [])
    assert after_silence(silenced("stopped", "olga", "ann"), silences=both)[0] == "SILENCE_OVER"


@pytest.mark.parametrize(
    "entry",
    [
        silenced("stopped", "cleo", "ann"),
        silenced("stopped", "olga", "cleo"),
        silenced("reminder:86400s", "olga", "ann"),
        told("stopped", "olga", state="SUPPRESSED"),
    ],
)
def test_what_is_not_told_when_a_silence_is_over(entry: Told) -> None:
    """To whom it concerns no more, of whom is at fault no more; a reminder; what was dropped for another reason."""
    assert after_silence(entry) == ("NOT_DUE", None, [])


def test_a_stop_by_hand_ends_what_was_held_back() -> None:
    """A resume tells it afresh."""
    assert after_silence(silenced("stopped", "olga", "ann"), page=BY_BOTH) == ("STOPPED_BY_HAND", None, [])
