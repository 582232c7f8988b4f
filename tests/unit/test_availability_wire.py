"""QueryAvailability's answer in the contract's words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard_server.domain.availability import Availability, FreeStretch
from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.domain.intervals import Interval
from calguard_server.grpc_api.availability_wire import MOST_BYTES, encode_availability
from tests.unit.builders import NOW

HOUR = timedelta(hours=1)
NAMES = tuple(f"account-{number:04}" for number in range(100))


def stretch(number: int) -> FreeStretch:
    return FreeStretch(Interval(NOW + number * HOUR, NOW + (number + 2) * HOUR), NAMES)


def stretches(many: int) -> tuple[FreeStretch, ...]:
    return tuple(map(stretch, range(many)))


def test_stretches_are_told_to_the_microsecond_and_in_order() -> None:
    late = datetime(2026, 3, 8, 6, 59, 59, 999_999, tzinfo=UTC)
    found = Availability((FreeStretch(Interval(NOW, late), ("ben", "ann")),), ("zoe", "cat"))
    answer = pb.QueryAvailabilityResponse.FromString(encode_availability(found))
    [stretch] = answer.free
    assert (stretch.start_time.ToDatetime(UTC), stretch.end_time.ToDatetime(UTC)) == (NOW, late)
    assert (list(stretch.account_ids), list(answer.unknown_account_ids)) == (["ben", "ann"], ["zoe", "cat"])


def test_an_answer_that_no_client_would_take_is_refused_by_name() -> None:
    """The refusal of gRPC itself would say nothing of what to do."""
    each = len(encode_availability(Availability(stretches(1), ())))
    fitting = MOST_BYTES // each
    assert MOST_BYTES - 2 * each < len(encode_availability(Availability(stretches(fitting), ()))) <= MOST_BYTES
    with pytest.raises(ResourceExhaustedError, match="fewer days") as refused:
        encode_availability(Availability(stretches(fitting + 2), ()))
    assert refused.value.reason == "ANSWER_TOO_LARGE"


def test_no_more_is_found_than_could_be_told() -> None:
    """Of hundreds of members over months there are gigabytes of stretches. Here they have no end."""
    found = count()

    def endless() -> Iterator[FreeStretch]:
        for number in found:
            yield stretch(number % 1000)

    with pytest.raises(ResourceExhaustedError):
        encode_availability(Availability(endless(), ()))
    each = len(encode_availability(Availability(stretches(1), ())))
    assert next(found) * each < 4 * MOST_BYTES
