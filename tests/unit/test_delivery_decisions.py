"""What becomes of a notice on its way: dropped with a named reason, tried again, or given up."""

from datetime import timedelta

import pytest

from calguard_server.domain.delivery import (
    DeliveryState,
    NextStep,
    Outcome,
    RetryPolicy,
    SuppressReason,
    next_step,
    suppress_reason,
)
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import BookingPage, PagePhase, SchedulingMode
from tests.unit.builders import NOW, make_delivery, make_fault, make_page, minutes, seconds

STOPPED = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_RULE)
ANOTHER_AT_FAULT = make_page(faulty=["bob"], phase=PagePhase.STOPPED_BY_RULE)
BY_OWNER = make_page(phase=PagePhase.STOPPED_BY_OWNER)
BY_BOTH = make_page(faulty=["ann"], phase=PagePhase.STOPPED_BY_BOTH)
WORKS = make_page()
IMPAIRED = make_page(SchedulingMode.AUTO_ASSIGN, faulty=["ann"], phase=PagePhase.DEGRADED)

OF_A_STOP = [NoticeKind.PAGE_STOPPED, NoticeKind.MEMBER_FAULTY, NoticeKind.REMINDER]
OF_A_PAGE = [*OF_A_STOP, NoticeKind.PAGE_RESTARTED, NoticeKind.ASSIGNED_TO_FAULTY, NoticeKind.APPOINTMENT_CONFLICT]


# --- what is no longer true ---


@pytest.mark.parametrize("kind", OF_A_PAGE)
def test_a_page_that_is_gone(kind: NoticeKind) -> None:
    """Nothing is sent of a page that was deleted."""
    assert suppress_reason(make_delivery(kind), None, told=True) is SuppressReason.PAGE_GONE


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (STOPPED, None),
        (WORKS, SuppressReason.INCIDENT_OVER),
        (IMPAIRED, SuppressReason.INCIDENT_OVER),
        (BY_OWNER, SuppressReason.STOPPED_BY_HAND),
        (BY_BOTH, SuppressReason.STOPPED_BY_HAND),
        (ANOTHER_AT_FAULT, SuppressReason.MEMBER_RECOVERED),
    ],
)
@pytest.mark.parametrize("kind", OF_A_STOP)
def test_a_notice_of_a_stop(kind: NoticeKind, page: BookingPage, expected: SuppressReason | None) -> None:
    """A stop is told while the rule stops the page for a member that the notice names, and not later."""
    assert suppress_reason(make_delivery(kind), page, told=False) is expected


@pytest.mark.parametrize("page", [STOPPED, BY_OWNER, WORKS, ANOTHER_AT_FAULT])
@pytest.mark.parametrize("kind", OF_A_STOP)
def test_a_stop_of_an_incident_that_was_closed(kind: NoticeKind, page: BookingPage) -> None:
    """A notice of a closed incident is not sent, though the page may have stopped again since."""
    delivery = make_delivery(kind, incident_closed=True)
    assert suppress_reason(delivery, page, told=False) is SuppressReason.INCIDENT_OVER


@pytest.mark.parametrize(
    ("recipient", "expected"), [("olga", None), ("bob", None), ("ann", "NOT_CONCERNED"), ("cleo", "NOT_CONCERNED")]
)
@pytest.mark.parametrize("kind", OF_A_STOP)
def test_whom_a_stop_concerns_no_more(kind: NoticeKind, recipient: str, expected: str | None) -> None:
    """Whoever has mended their calendar, or has handed the page on, is not told that it is stopped for another's."""
    delivery = make_delivery(kind, recipient_account_id=recipient, faults=(make_fault("ann"), make_fault("bob")))
    assert suppress_reason(delivery, ANOTHER_AT_FAULT, told=False) == expected


def test_a_stop_with_one_of_its_members_left() -> None:
    """A notice that names two members is still true while one of them is at fault."""
    delivery = make_delivery(faults=(make_fault("ann"), make_fault("bob")))
    assert suppress_reason(delivery, STOPPED, told=False) is None
    assert suppress_reason(delivery, ANOTHER_AT_FAULT, told=False) is None


@pytest.mark.parametrize(("told", "expected"), [(True, None), (False, SuppressReason.NEVER_TOLD)])
@pytest.mark.parametrize("page", [WORKS, IMPAIRED])
def test_a_restart_is_told_to_those_who_were_told(
    page: BookingPage, expected: SuppressReason | None, *, told: bool
) -> None:
    """That a page is back is told to whom its stop reached by that channel; the closed incident is no hindrance."""
    delivery = make_delivery(NoticeKind.PAGE_RESTARTED, faults=(), incident_closed=True)
    assert suppress_reason(delivery, page, told=told) is expected


@pytest.mark.parametrize("page", [STOPPED, BY_OWNER, BY_BOTH])
def test_a_restart_that_is_over(page: BookingPage) -> None:
    """That a page is back is not told once it has stopped again, for whatever cause."""
    delivery = make_delivery(NoticeKind.PAGE_RESTARTED, faults=())
    assert suppress_reason(delivery, page, told=True) is SuppressReason.STOPPED_AGAIN


@pytest.mark.parametrize("page", [IMPAIRED, WORKS, STOPPED, BY_OWNER, BY_BOTH, ANOTHER_AT_FAULT])
@pytest.mark.parametrize("incident_closed", [False, True])
def test_an_assignment_stays_true(page: BookingPage, *, incident_closed: bool) -> None:
    """That an appointment went to a faulty member is told whatever became of the page since: it happened."""
    delivery = make_delivery(NoticeKind.ASSIGNED_TO_FAULTY, incident_closed=incident_closed)
    assert suppress_reason(delivery, page, told=False) is None


@pytest.mark.parametrize("page", [IMPAIRED, WORKS, STOPPED, BY_OWNER, BY_BOTH, ANOTHER_AT_FAULT])
@pytest.mark.parametrize(("recipient", "expected"), [("olga", None), ("ann", "NOT_CONCERNED")])
def test_a_conflict_concerns_the_owner(page: BookingPage, recipient: str, expected: str | None) -> None:
    """Whoever has handed the page on is not told; the page's state does not matter."""
    delivery = make_delivery(NoticeKind.APPOINTMENT_CONFLICT, recipient_account_id=recipient, faults=())
    assert suppress_reason(delivery, page, told=False) == expected


@pytest.mark.parametrize("page", [None, IMPAIRED, WORKS, STOPPED, BY_OWNER, BY_BOTH])
@pytest.mark.parametrize("incident_closed", [False, True])
@pytest.mark.parametrize("told", [True, False])
def test_an_operator_alert_is_of_no_page(page: BookingPage | None, *, told: bool, incident_closed: bool) -> None:
    """An alert to the operator is owed whatever there is, or is not, of a page."""
    alert = make_delivery(
        NoticeKind.OPERATOR_ALERT,
        booking_page_id="",
        recipient_account_id="",
        faults=(),
        incident_closed=incident_closed,
    )
    assert suppress_reason(alert, page, told=told) is None


@pytest.mark.parametrize(
    ("state", "expected"),
    [("PENDING", 1), ("SENDING", 1), ("RETRYING", 1), ("SENT", 0), ("DEAD", 0), ("SUPPRESSED", 0), ("DISCARDED", 0)],
)
def test_which_states_are_open(state: str, expected: int) -> None:
    """A delivery may still be sent until it was sent, given up or dropped."""
    assert DeliveryState(state).open == bool(expected)


# --- what becomes of an attempt ---

PASSING = Outcome(sent=False, detail="421 try again later")
POLICY = RetryPolicy()


def step(
    outcome: Outcome = PASSING,
    attempts: int = 1,
    age: timedelta = timedelta(),
    chance: float = 0.5,
    policy: RetryPolicy = POLICY,
) -> NextStep:
    """Decide an attempt that ended at NOW, `age` after the delivery was made."""
    return next_step(make_delivery(attempts=attempts, create_time=NOW - age), outcome, NOW, policy, chance)


@pytest.mark.parametrize("attempts", [1, 15, 99])
@pytest.mark.parametrize("age", [timedelta(), timedelta(days=9)])
def test_sent_is_sent(attempts: int, age: timedelta) -> None:
    """However late, an attempt that was accepted ends the matter."""
    assert step(Outcome(sent=True), attempts, age) == NextStep(DeliveryState.SENT)


def test_a_permanent_failure_is_dead_at_once() -> None:
    """What is refused for good is not tried again, not even where the receiver asked to wait."""
    assert step(Outcome(sent=False, permanent=True)) == NextStep(DeliveryState.DEAD)
    assert step(Outcome(sent=False, permanent=True, retry_after=seconds(5))) == NextStep(DeliveryState.DEAD)


@pytest.mark.parametrize(
    ("attempts", "ceiling"),
    [(1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 320), (8, 640), (9, 900), (10, 900), (14, 900)],
)
def test_full_jitter(attempts: int, ceiling: int) -> None:
    """The wait is anything from nothing to a ceiling, which doubles from 5 s up to 15 min."""
    waits = [step(attempts=attempts, chance=chance).next_attempt_time for chance in (0.0, 0.5, 1.0)]
    assert waits == [NOW, NOW + seconds(ceiling / 2), NOW + seconds(ceiling)]
    assert step(attempts=attempts).state is DeliveryState.RETRYING


@pytest.mark.parametrize(
    ("asked", "chance", "expected"), [(60, 0.0, 60), (60, 1.0, 60), (2, 1.0, 5), (2, 0.0, 2), (7200, 0.5, 7200)]
)
def test_retry_after_is_waited(asked: int, chance: float, expected: int) -> None:
    """What the receiver asked to wait is waited, also past our own ceiling; a shorter wish hastens nothing."""
    outcome = Outcome(sent=False, retry_after=seconds(asked))
    assert step(outcome, chance=chance) == NextStep(DeliveryState.RETRYING, NOW + seconds(expected))


@pytest.mark.parametrize(("attempts", "expected"), [(14, "RETRYING"), (15, "DEAD"), (16, "DEAD")])
def test_fifteen_attempts(attempts: int, expected: str) -> None:
    """The fifteenth attempt is the last."""
    assert step(attempts=attempts).state.value == expected


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(hours=24) - timedelta(microseconds=1), "RETRYING"),
        (timedelta(hours=24), "DEAD"),
        (timedelta(hours=25), "DEAD"),
    ],
)
def test_twenty_four_hours(age: timedelta, expected: str) -> None:
    """An attempt that fails 24 hours after the notice was decided is the last."""
    assert step(age=age).state.value == expected


def test_a_dead_delivery_has_no_next_attempt() -> None:
    """What is given up has no time of a next attempt."""
    assert step(attempts=15).next_attempt_time is None


def test_the_limits_are_settings() -> None:
    """First wait, longest wait, count and age come from the policy."""
    policy = RetryPolicy(base=seconds(1), cap=seconds(3), give_up_after=minutes(1), attempts_max=4)
    waits = [step(attempts=n, chance=1.0, policy=policy).next_attempt_time for n in (1, 2, 3)]
    assert waits == [NOW + seconds(1), NOW + seconds(2), NOW + seconds(3)]
    assert step(attempts=4, policy=policy).state is DeliveryState.DEAD
    assert step(age=minutes(1), policy=policy).state is DeliveryState.DEAD
