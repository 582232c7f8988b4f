"""What an operator does about a notice: has one sent after all that was given up, or gives one up.

1. Only what is DEAD is retried. What was SUPPRESSED was not true or not owed, and is owed anew when it is again; what
   was DISCARDED is over. A retried notice has its attempts and its time as a new one has, waits for company as a new
   one does, and is looked at again before it is sent.
2. What is DEAD, PENDING or RETRYING is discarded. What is SENDING may be on its way to somebody at this moment.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.errors import IllegalTransitionError

_DISCARDABLE = (DeliveryState.DEAD, DeliveryState.PENDING, DeliveryState.RETRYING)


def retry(delivery: Delivery, now: datetime, wait: timedelta) -> Delivery:
    """Have a notice sent after all, not before it has waited for company. Raises IllegalTransitionError."""
    if delivery.state is not DeliveryState.DEAD:
        raise IllegalTransitionError("notification", delivery.state, "BE_RETRIED")
    return replace(
        delivery,
        state=DeliveryState.PENDING,
        next_attempt_time=now + wait,
        retry_time=now,
        attempts_before=delivery.attempts,
    )


def discard(delivery: Delivery) -> Delivery:
    """Give a notice up for good. Raises IllegalTransitionError."""
    if delivery.state not in _DISCARDABLE:
        on_its_way = delivery.state is DeliveryState.SENDING
        advice = ": call again when it has come to something, soon" if on_its_way else ""
        raise IllegalTransitionError("notification", delivery.state, "BE_DISCARDED", advice)
    return replace(delivery, state=DeliveryState.DISCARDED, next_attempt_time=None)
