"""QueryAvailability's request and answer in the contract's words."""

from datetime import timedelta

from msgspec import Struct

from calguard.v1 import appointment_pb2 as pb
from calguard_server.domain.availability import Availability
from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.domain.intervals import Interval
from calguard_server.grpc_api.convert import write_time
from calguard_server.grpc_api.validation import Checker

LONGEST_WINDOW = timedelta(days=62)
"""Two months, whichever they are."""

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 24 * 60 * 60
"""How long an appointment may last."""

MOST_BYTES = 4 * 1024 * 1024
"""The largest answer that gRPC's clients take unless they are told otherwise."""

_FIRST_WEIGHED = 1024
"""After how many stretches an answer's size is looked at first. Each could have up to a hundred kilobytes of names."""


class AvailabilityQuery(Struct, frozen=True):
    """What is asked: when a page can be booked within a window, for so long."""

    booking_page_id: str
    window: Interval
    duration: timedelta


def read_query(request: pb.QueryAvailabilityRequest) -> AvailabilityQuery:
    """Read what is asked. Raises InvalidArgumentError."""
    check = Checker()
    page_id = check.id("booking_page_id", request.booking_page_id)
    start, end = check.time("start_time", request.start_time), check.time("end_time", request.end_time)
    duration = check.interval("duration", request.duration, SHORTEST_SECONDS, LONGEST_SECONDS)
    check.refuse()
    check.expect(start < end, "end_time", "expected a time after start_time")
    check.expect(
        end - start <= LONGEST_WINDOW, "end_time", f"expected at most {LONGEST_WINDOW.days} days after start_time"
    )
    check.refuse()
    return AvailabilityQuery(page_id, Interval(start, end), duration)


def encode_availability(found: Availability) -> bytes:
    """Serialize what was found as a `QueryAvailabilityResponse`.

    Raises ResourceExhaustedError `ANSWER_TOO_LARGE`, soon after it is that large.
    """
    answer = pb.QueryAvailabilityResponse(
        unknown_account_ids=found.unknown_account_ids, without_members=found.without_members
    )
    weighed = _FIRST_WEIGHED
    for count, each in enumerate(found.free):
        if count == weighed:
            _require_sendable(answer.ByteSize())
            weighed *= 2  # weighing takes as long as sending
        stretch = answer.free.add(account_ids=each.account_ids)
        write_time(each.time.start, stretch.start_time)
        write_time(each.time.end, stretch.end_time)
    encoded = answer.SerializeToString()
    _require_sendable(len(encoded))
    return encoded


def _require_sendable(size: int) -> None:
    if size > MOST_BYTES:
        raise ResourceExhaustedError(
            "ANSWER_TOO_LARGE", f"the answer would be larger than {MOST_BYTES // 2**20} MiB: ask about fewer days"
        )
