"""The stages of a diagnosis: which is tried, which is skipped and why, and what is told of each."""

from itertools import combinations

import pytest

from calguard_server.domain.causes import Capability, Cause, CauseReason, Finding, NextAction
from calguard_server.domain.diagnosis import (
    CONNECT,
    OBSTACLE_WORDS,
    WAIT,
    CalendarResult,
    Known,
    Obstacle,
    Stage,
    StageOutcome,
    failed,
    free_events_in,
    free_events_told,
    gravest,
    lacking_scopes,
    obstacle_to,
    passed,
    skipped,
)
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.scopes import REQUESTED_SCOPES
from tests.unit.builders import EARLIER, NOW, make_cause, make_link

PREFIX = "https://www.googleapis.com/auth/"
LIST, CHECK, ADD = (f"{PREFIX}calendar.{name}" for name in ("calendarlist.readonly", "freebusy", "events"))
STORED, ACCEPTED, SCOPES, LISTED, READ, WRITABLE, VISIBLE = Stage


def known(*failing: Stage, granted: tuple[str, ...] = REQUESTED_SCOPES, **changes: object) -> Known:
    return Known(make_link(**changes), frozenset(failing), granted)


def obstacles(state: Known) -> dict[Stage, Obstacle]:
    found = {stage: obstacle_to(stage, state) for stage in Stage}
    return {stage: obstacle for stage, obstacle in found.items() if obstacle}


def test_nothing_keeps_a_link_in_order_from_being_tried() -> None:
    assert obstacles(known()) == {}


def test_without_a_grant_nothing_else_is_tried() -> None:
    assert obstacles(known(STORED, granted=())) == dict.fromkeys(list(Stage)[1:], Obstacle.GRANT_MISSING)


def test_a_grant_that_is_not_accepted_can_ask_nothing() -> None:
    assert obstacles(known(ACCEPTED)) == dict.fromkeys(list(Stage)[2:], Obstacle.GRANT_NOT_ACCEPTED)


@pytest.mark.parametrize(
    "failing", [each for size in range(1, 5) for each in combinations((SCOPES, LISTED, READ, WRITABLE), size)]
)
def test_what_fails_later_keeps_nothing_from_being_tried(failing: tuple[Stage, ...]) -> None:
    """A list that fails, a calendar that cannot be read: each stage after it is tried on its own."""
    assert obstacles(known(*failing)) == {}


@pytest.mark.parametrize(
    ("granted", "expected"),
    [
        ((CHECK, ADD), {LISTED: Obstacle.LISTING_NOT_GRANTED, WRITABLE: Obstacle.LISTING_NOT_GRANTED}),
        ((LIST, ADD), {READ: Obstacle.CHECKING_NOT_GRANTED}),
        ((LIST, CHECK), {WRITABLE: Obstacle.ADDING_NOT_GRANTED, VISIBLE: Obstacle.EVENTS_NOT_GRANTED}),
        ((f"{PREFIX}calendar.readonly",), {WRITABLE: Obstacle.ADDING_NOT_GRANTED}),
        ((f"{PREFIX}calendar",), {}),
    ],
)
def test_a_permission_that_lacks_keeps_off_what_rests_on_it(
    granted: tuple[str, ...], expected: dict[Stage, Obstacle]
) -> None:
    assert obstacles(known(SCOPES, granted=granted)) == expected


@pytest.mark.parametrize(
    ("check", "add", "expected"),
    [
        (("work",), "", {WRITABLE: Obstacle.NO_ADD_CALENDAR}),
        ((), "work", {READ: Obstacle.NO_CHECK_CALENDARS, VISIBLE: Obstacle.NO_CHECK_CALENDARS}),
        ((), "", {WRITABLE: Obstacle.NO_ADD_CALENDAR, VISIBLE: Obstacle.NO_CHECK_CALENDARS}),
    ],
)
def test_a_selection_that_is_empty(check: tuple[str, ...], add: str, expected: dict[Stage, Obstacle]) -> None:
    """Reading is tried where nothing at all is selected, and fails there: that is the fault to name."""
    assert obstacles(known(check_calendar_ids=check, add_calendar_id=add)) == expected


def test_events_are_counted_while_any_calendar_can_be_read() -> None:
    link = make_link()
    some = Known(link, frozenset({READ}), REQUESTED_SCOPES, frozenset({"work", ""}))
    none = Known(link, frozenset({READ}), REQUESTED_SCOPES, frozenset({"work", "home"}))
    whole = Known(link, frozenset({READ}), REQUESTED_SCOPES, frozenset({""}))
    assert [obstacle_to(VISIBLE, each) for each in (some, whole)] == [None, None]
    assert obstacle_to(VISIBLE, none) is Obstacle.NO_READABLE_CALENDARS


@pytest.mark.parametrize("obstacle", Obstacle)
def test_every_obstacle_has_words(obstacle: Obstacle) -> None:
    step = skipped(READ, obstacle)
    assert (step.outcome, step.detail) == (StageOutcome.SKIPPED, OBSTACLE_WORDS[obstacle])
    assert (step.cause, step.remedy, step.next_action) == (None, "", NextAction.NONE)


@pytest.mark.parametrize("reason", CauseReason)
def test_every_failure_has_a_cause_a_detail_and_a_remedy(reason: CauseReason) -> None:
    """Where nobody mends it, the remedy is to wait."""
    step = failed(READ, (Finding(reason),), make_link(), NOW)
    assert step.cause is not None
    assert (step.cause.reason, step.detail) == (reason, step.cause.message)
    assert step.remedy == (step.cause.remedy or WAIT)
    assert step.next_action is not NextAction.NONE


def test_a_cause_that_the_link_has_keeps_its_time() -> None:
    link = make_link(LinkState.FAILED)
    same = failed(ACCEPTED, (Finding(CauseReason.AUTHORIZATION_REVOKED),), link, NOW)
    other = failed(ACCEPTED, (Finding(CauseReason.SESSION_POLICY),), link, NOW)
    assert (same.cause, other.cause) == (link.cause, Cause(CauseReason.SESSION_POLICY, NOW))


def test_a_disconnected_link_is_to_be_connected() -> None:
    step = failed(STORED, (Finding(CauseReason.AUTHORIZATION_INCOMPLETE),), make_link(LinkState.STOPPED), NOW)
    assert (step.remedy, step.next_action) == (CONNECT, NextAction.CONNECT)


def test_failing_calendars_are_named_each_with_its_own_cause() -> None:
    findings = (
        Finding(CauseReason.PROVIDER_UNAVAILABLE, "home"),
        Finding(CauseReason.CALENDAR_NOT_VISIBLE, "work"),
    )
    step = failed(READ, findings, make_link(), NOW, calendar_ids=("work", "home", "gym"))
    assert step.cause == make_cause(CauseReason.CALENDAR_NOT_VISIBLE, NOW, "work")
    assert step.detail.endswith("Concerned: home, work.")
    assert [each.cause and each.cause.reason for each in step.calendars] == [
        CauseReason.CALENDAR_NOT_VISIBLE,
        CauseReason.PROVIDER_UNAVAILABLE,
        None,
    ]


def test_what_fails_as_a_whole_concerns_every_calendar() -> None:
    step = failed(READ, (Finding(CauseReason.NETWORK_ERROR),), make_link(), NOW, calendar_ids=("work", "home"))
    assert [each.cause for each in step.calendars] == [make_cause(CauseReason.NETWORK_ERROR, NOW)] * 2


@pytest.mark.parametrize(
    ("met", "named"),
    [
        (("NETWORK_ERROR", "CALENDAR_NOT_VISIBLE", "SCOPE_MISSING"), "SCOPE_MISSING"),
        (("RATE_LIMITED", "PROVIDER_UNAVAILABLE", "NETWORK_ERROR"), "PROVIDER_UNAVAILABLE"),
        (("APP_MISCONFIGURED", "CALENDAR_READ_ONLY"), "CALENDAR_READ_ONLY"),
        (("APP_MISCONFIGURED", "RATE_LIMITED"), "RATE_LIMITED"),
        (("QUOTA_EXHAUSTED",), "QUOTA_EXHAUSTED"),
    ],
)
def test_the_gravest_is_named(met: tuple[str, ...], named: str) -> None:
    assert gravest([Finding(CauseReason(each)) for each in met]).reason == named


def test_boxes_that_were_not_ticked_are_told() -> None:
    findings, detail = lacking_scopes((LIST,))
    assert findings == tuple(
        Finding(CauseReason.SCOPE_MISSING, capability=each) for each in (Capability.CHECK, Capability.ADD)
    )
    assert detail == "Permissions that were not given: see busy time; add events."
    assert lacking_scopes(REQUESTED_SCOPES) == ((), "")


def test_no_event_marked_free() -> None:
    step = free_events_told((CalendarResult("work"), CalendarResult("home")))
    assert (step.outcome, step.remedy) == (StageOutcome.PASSED, "")
    assert step.detail == "No event of the coming 14 days is marked Free."


def test_events_marked_free_are_advice_with_a_count_each() -> None:
    results = (CalendarResult("work", free_events=2), CalendarResult("home"), CalendarResult("gym", free_events=3))
    step = free_events_told(results)
    assert (step.outcome, step.cause, step.calendars) == (StageOutcome.ADVICE, None, results)
    assert step.detail == "5 of the coming 14 days' events are marked Free and block nothing: 2 in work, 3 in gym."
    assert step.remedy
    assert free_events_told((CalendarResult("work", free_events=9, more=True),)).detail.startswith("At least 9 of")


def test_what_could_not_be_looked_at_is_told_beside_what_could() -> None:
    blind = CalendarResult("home", note="it is dark")
    void = CalendarResult("gym", cause=make_cause(CauseReason.ACCESS_FORBIDDEN, EARLIER))
    assert free_events_told((CalendarResult("work"), blind)).detail.endswith("Free. Not looked at: home (it is dark).")
    advice = free_events_told((CalendarResult("work", free_events=1), blind, void))
    assert advice.outcome is StageOutcome.ADVICE
    assert "home (it is dark); gym (Google forbids access" in advice.detail


def test_where_nothing_could_be_looked_at_the_stage_is_skipped() -> None:
    cause = make_cause(CauseReason.ACCESS_FORBIDDEN, EARLIER)
    step = free_events_told((CalendarResult("home", note="it is dark"), CalendarResult("gym", cause=cause)))
    assert (step.outcome, step.cause, step.remedy) == (StageOutcome.SKIPPED, cause, "")
    assert step.detail.startswith("Events cannot be counted: home (it is dark); gym (Google forbids")


def test_a_role_that_shows_times_only_is_no_count() -> None:
    assert free_events_in("work", 3, "reader", more=True) == CalendarResult("work", free_events=3, more=True)
    blind = free_events_in("work", 0, "freeBusyReader", more=False)
    assert (blind.looked_at, "freeBusyReader" in blind.note) == (False, True)


def test_a_stage_that_passed_names_its_calendars() -> None:
    step = passed(READ, "Read.", ("work", "home"))
    assert [each.calendar_id for each in step.calendars] == ["work", "home"]
    assert (step.cause, step.next_action) == (None, NextAction.NONE)
