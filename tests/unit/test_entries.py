"""What is done about an appointment's entry in a calendar, and what comes of it."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from calguard_server.domain.appointment import Entry, EntryState
from calguard_server.domain.causes import Cause, CauseReason, Finding
from calguard_server.domain.entries import (
    LATE_ARRIVAL,
    RETRY_BASE,
    RETRY_CAP,
    EntryStep,
    after_adding,
    after_id_taken,
    after_removing,
    can_write,
    new_entry,
    plan,
    revives,
    unwanted,
)
from calguard_server.domain.link_state import CalendarLink, LinkState
from tests.unit.builders import NOW, make_link

LEASE = timedelta(minutes=1)
DOWN = Finding(CauseReason.PROVIDER_UNAVAILABLE)
REVOKED = Cause(CauseReason.AUTHORIZATION_REVOKED, NOW)


def link(
    link_id: str = "link-1", calendar_id: str = "add", state: LinkState = LinkState.LINKED, **fields: object
) -> CalendarLink:
    return replace(make_link(), id=link_id, add_calendar_id=calendar_id, state=state, has_grant=True, **fields)


def failed(link_id: str = "link-1", calendar_id: str = "add") -> CalendarLink:
    return link(link_id, calendar_id, LinkState.FAILED, cause=REVOKED)


def entry(state: EntryState = EntryState.PENDING, **fields: object) -> Entry:
    made = Entry(
        event_id="event1",
        account_id="ann",
        state=state,
        calendar_link_id="link-1",
        calendar_id="add",
        next_attempt_time=NOW,
    )
    return replace(made, **fields)


CLAIMED = entry(fence=1, claimed=True, next_attempt_time=NOW + LEASE)


def test_a_new_entry_goes_to_the_add_calendar() -> None:
    made = new_entry("ann", "event1", [link("link-2"), link("link-1", "")], NOW)
    assert (made.state, made.calendar_link_id, made.calendar_id) == (EntryState.PENDING, "link-2", "add")
    assert made.next_attempt_time == NOW


def test_a_link_that_can_be_written_to_goes_before_one_that_cannot() -> None:
    made = new_entry("ann", "event1", [failed("link-1"), link("link-2", "other")], NOW)
    assert (made.calendar_link_id, made.calendar_id) == ("link-2", "other")


def test_without_an_add_calendar_nothing_is_added_and_no_cause_is_named() -> None:
    made = new_entry("ann", "event1", [link(calendar_id=""), link("link-2", state=LinkState.STOPPED)], NOW)
    assert (made.state, made.cause, made.next_attempt_time) == (EntryState.NOT_ADDED, None, None)
    assert not made.calendar_link_id


def test_what_cannot_be_written_says_why_at_once_and_waits() -> None:
    made = new_entry("ann", "event1", [failed()], NOW)
    assert (made.state, made.cause, made.next_attempt_time) == (EntryState.NOT_ADDED, REVOKED, None)


def test_what_is_due_is_claimed_before_it_is_sent() -> None:
    planned = plan(entry(), [link()], "event2", NOW, LEASE)
    assert planned.step is EntryStep.ADD
    assert (planned.entry.fence, planned.entry.claimed, planned.entry.next_attempt_time) == (1, True, NOW + LEASE)


@pytest.mark.parametrize(("links", "cause"), [([], None), ([failed()], REVOKED)])
def test_what_cannot_be_written_waits_for_the_link(links: list[CalendarLink], cause: Cause | None) -> None:
    planned = plan(entry(fence=3), links, "event2", NOW, LEASE)
    assert planned.step is EntryStep.WAIT
    assert (planned.entry.state, planned.entry.cause) == (EntryState.NOT_ADDED, cause)
    assert planned.entry.next_attempt_time is None


def test_what_was_never_sent_goes_to_the_calendar_that_is_selected_now() -> None:
    planned = plan(entry(), [link(calendar_id="new")], "event2", NOW, LEASE)
    assert (planned.step, planned.entry.event_id, planned.entry.calendar_id) == (EntryStep.ADD, "event1", "new")


def test_what_may_be_in_one_calendar_is_removed_there_and_another_entry_goes_elsewhere() -> None:
    """Never two events: the first may have arrived although nobody said so."""
    planned = plan(entry(EntryState.NOT_ADDED, fence=1), [link(calendar_id="new")], "event2", NOW, LEASE)
    assert planned.step is EntryStep.WAIT
    assert (planned.entry.event_id, planned.entry.state) == ("event1", EntryState.REMOVING)
    assert planned.instead is not None
    assert (planned.instead.event_id, planned.instead.calendar_id) == ("event2", "new")
    assert (planned.instead.state, planned.instead.fence) == (EntryState.PENDING, 0)


def test_removing_needs_the_link_that_it_was_added_by() -> None:
    removing = entry(EntryState.REMOVING, fence=1)
    assert plan(removing, [link()], "event2", NOW, LEASE).step is EntryStep.REMOVE
    for links in ([], [link("link-2")], [failed()], [link(state=LinkState.STOPPED)]):
        planned = plan(removing, links, "event2", NOW, LEASE)
        assert (planned.step, planned.entry.next_attempt_time) == (EntryStep.WAIT, None)
        assert planned.entry.state is EntryState.REMOVING


def test_removing_does_not_need_the_calendar_to_be_selected_still() -> None:
    removing = entry(EntryState.REMOVING, fence=1)
    planned = plan(removing, [link(calendar_id="")], "event2", NOW, LEASE)
    assert (planned.step, planned.entry.calendar_id) == (EntryStep.REMOVE, "add")


def test_what_was_never_sent_is_removed_as_it_is() -> None:
    gone = unwanted(entry(), NOW)
    assert (gone.state, gone.next_attempt_time) == (EntryState.REMOVED, None)


@pytest.mark.parametrize(
    ("state", "due"),
    [(EntryState.PENDING, NOW), (EntryState.NOT_ADDED, NOW + LATE_ARRIVAL), (EntryState.ADDED, NOW)],
)
def test_what_was_sent_is_to_be_removed_whatever_was_answered(state: EntryState, due: datetime) -> None:
    """What was not known to arrive may do so late."""
    removing = unwanted(entry(state, fence=1, attempts=7, next_attempt_time=None), NOW)
    assert (removing.state, removing.next_attempt_time, removing.attempts) == (EntryState.REMOVING, due, 0)


def test_what_is_being_sent_is_removed_after_that() -> None:
    removing = unwanted(CLAIMED, NOW)
    assert removing.next_attempt_time == NOW + LEASE
    freed = after_adding(removing, None, NOW, 0.5)
    assert (freed.state, freed.next_attempt_time, freed.claimed) == (EntryState.REMOVING, NOW, False)
    assert after_adding(removing, DOWN, NOW, 0.5).next_attempt_time == NOW + LATE_ARRIVAL


@pytest.mark.parametrize("state", [EntryState.REMOVING, EntryState.REMOVED])
def test_what_is_unwanted_already_stays(state: EntryState) -> None:
    before = entry(state, fence=1)
    assert unwanted(before, NOW) is before


def test_added_and_removed_are_the_end() -> None:
    added = after_adding(CLAIMED, None, NOW, 0.5)
    assert (added.state, added.next_attempt_time, added.claimed) == (EntryState.ADDED, None, False)
    removed = after_removing(replace(CLAIMED, state=EntryState.REMOVING), None, NOW, 0.5)
    assert (removed.state, removed.next_attempt_time) == (EntryState.REMOVED, None)


def test_a_failure_is_told_since_when() -> None:
    first = after_adding(CLAIMED, DOWN, NOW, 0.5)
    assert (first.state, first.cause) == (EntryState.NOT_ADDED, Cause(CauseReason.PROVIDER_UNAVAILABLE, NOW))
    later = NOW + timedelta(hours=1)
    again = after_adding(first, DOWN, later, 0.5)
    assert again.cause == first.cause
    other = after_adding(first, Finding(CauseReason.NETWORK_ERROR), later, 0.5)
    assert other.cause == Cause(CauseReason.NETWORK_ERROR, later)


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_failures_are_tried_again_without_end_ever_more_slowly(chance: float) -> None:
    """Between 5 s and 15 min apart, whatever chance says."""
    tried, waits = CLAIMED, []
    for _ in range(40):
        tried = after_adding(tried, DOWN, NOW, chance)
        assert tried.next_attempt_time is not None
        waits.append(tried.next_attempt_time - NOW)
    assert waits == sorted(waits)
    assert min(waits) == RETRY_BASE
    assert waits[-1] == max(RETRY_BASE, RETRY_CAP * chance)


def test_what_the_provider_asks_to_wait_is_waited() -> None:
    asked = Finding(CauseReason.RATE_LIMITED, retry_after=timedelta(hours=1))
    assert after_removing(
        replace(CLAIMED, state=EntryState.REMOVING), asked, NOW, 0.5
    ).next_attempt_time == NOW + timedelta(hours=1)


def test_an_id_that_is_taken_for_good_is_replaced() -> None:
    gone, fresh = after_id_taken(CLAIMED, "event2", NOW)
    assert gone.state is EntryState.REMOVED
    assert fresh is not None
    assert (fresh.event_id, fresh.state, fresh.calendar_id, fresh.fence) == ("event2", EntryState.PENDING, "add", 0)
    assert after_id_taken(replace(CLAIMED, state=EntryState.REMOVING), "event2", NOW)[1] is None


@pytest.mark.parametrize(
    ("before", "after", "wakes"),
    [
        (failed(), link(), True),
        (link(state=LinkState.DEGRADED), link(), True),
        (link(state=LinkState.STOPPED), link(state=LinkState.DEGRADED), True),
        (link(calendar_id=""), link(), True),
        (link(), link(calendar_id="new"), True),
        (link(state=LinkState.DEGRADED), link(calendar_id="new", state=LinkState.DEGRADED), True),
        (link(), link(state=LinkState.DEGRADED), False),
        (link(), failed(), False),
        (link(), link(calendar_id=""), False),
        (link(), link(state=LinkState.STOPPED), False),
    ],
)
def test_which_changes_of_a_link_wake_what_waits(before: CalendarLink, after: CalendarLink, wakes: bool) -> None:  # noqa: FBT001 - a column
    assert revives(before, after) is wakes


def test_a_link_without_a_good_grant_cannot_be_written_to() -> None:
    assert can_write(link())
    assert not can_write(failed())
    assert not can_write(replace(link(), has_grant=False))
