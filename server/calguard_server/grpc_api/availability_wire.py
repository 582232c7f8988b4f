"""QueryAvailability's request and answer in the contract's words."""

from datetime import timedelta

from msgspec import Struct

from calguard.v1 import appointment_pb2 as pb
from calguard_server.domain.availability import Availability, FreeStretch
from calguard_server.domain.errors import ResourceExhaustedError
from calguard_server.domain.intervals import Interval
from calguard_server.grpc_api.convert import to_timestamp
from calguard_server.grpc_api.validation import Checker

LONGEST_WINDOW = timedelta(days=62)
"""Two months, whichever they are."""

SHORTEST_SECONDS, LONGEST_SECONDS = 60, 24 * 60 * 60
"""How long an appointment may last."""

MOST_BYTES = 4 * 1024 * 1024
"""The largest answer that gRPC's clients take unless they are told otherwise."""


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


def availability_to_wire(found: Availability) -> pb.QueryAvailabilityResponse:
    """Answer what was found. Raises ResourceExhaustedError `ANSWER_TOO_LARGE`."""
    free = [_stretch_to_wire(each) for each in found.free]
    answer = pb.QueryAvailabilityResponse(free=free, unknown_account_ids=found.unknown_account_ids)
    if answer.ByteSize() > MOST_BYTES:
        raise ResourceExhaustedError(
            "ANSWER_TOO_LARGE", f"the answer would be larger than {MOST_BYTES // 2**20} MiB: ask about fewer days"
        )
    return answer


def _stretch_to_wire(stretch: FreeStretch) -> pb.FreeStretch:
    return pb.FreeStretch(
        start_time=to_timestamp(stretch.time.start),
        end_time=to_timestamp(stretch.time.end),
        account_ids=stretch.account_ids,
    )
