"""What an operator does about a notice, in every state."""

import pytest

from calguard_server.domain.dead_letters import discard, retry
from calguard_server.domain.delivery import DeliveryState, NextStep, Outcome, RetryPolicy, next_step
from calguard_server.domain.errors import IllegalTransitionError
from tests.unit.builders import NOW, make_delivery, minutes, seconds

PASSING = Outcome(sent=False, detail="421 try again later")


@pytest.mark.parametrize("state", DeliveryState)
def test_only_what_is_dead_is_retried(state: DeliveryState) -> None:
    """It is PENDING again, and waits for company."""
    delivery = make_delivery(state=state, attempts=15, create_time=NOW - minutes(9000))
    if state is not DeliveryState.DEAD:
        with pytest.raises(IllegalTransitionError) as refusal:
            retry(delivery, NOW, seconds(5))
        assert refusal.value.metadata == {"state": state.value, "trigger": "BE_RETRIED"}
        return
    retried = retry(delivery, NOW, seconds(5))
    assert (retried.state, retried.next_attempt_time) == (DeliveryState.PENDING, NOW + seconds(5))
    assert (retried.retry_time, retried.attempts_before, retried.attempts) == (NOW, 15, 15)


@pytest.mark.parametrize("state", DeliveryState)
def test_what_is_dead_or_waits_is_discarded(state: DeliveryState) -> None:
    """What is on its way is not, nor what is over for another reason."""
    delivery = make_delivery(state=state, next_attempt_time=NOW)
    if state.value not in ("DEAD", "PENDING", "RETRYING"):
        with pytest.raises(IllegalTransitionError) as refusal:
            discard(delivery)
        soon = ": call again when it has come to something, soon" if state is DeliveryState.SENDING else ""
        assert refusal.value.message == f"a notification that is {state} cannot be discarded{soon}"
        return
    assert (discard(delivery).state, discard(delivery).next_attempt_time) == (DeliveryState.DISCARDED, None)


def test_a_retried_notice_is_tried_as_a_new_one() -> None:
    """The waits begin anew, and so do its 15 attempts and its 24 hours."""
    dead = make_delivery(state=DeliveryState.DEAD, attempts=15, create_time=NOW - minutes(9000))
    retried = retry(dead, NOW, seconds(5))
    for tries, expected in ((1, 5), (2, 10), (14, 900)):
        tried = make_delivery(
            attempts=15 + tries, attempts_before=15, create_time=retried.create_time, retry_time=retried.retry_time
        )
        assert next_step(tried, PASSING, NOW, RetryPolicy(), 1.0) == NextStep(
            DeliveryState.RETRYING, NOW + seconds(expected)
        )
    last = make_delivery(attempts=30, attempts_before=15, retry_time=NOW)
    assert next_step(last, PASSING, NOW, RetryPolicy(), 1.0).state is DeliveryState.DEAD
    late = make_delivery(attempts=17, attempts_before=15, retry_time=NOW - minutes(24 * 60))
    assert next_step(late, PASSING, NOW, RetryPolicy(), 1.0).state is DeliveryState.DEAD
