"""Messages of a watch, written briefly."""

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import watch_pb2 as pb
from calguard.v1.appointment_pb2 import Appointment, Assignee
from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.calendar_link_pb2 import CalendarLink

SNAPSHOT, CREATED, CHANGED, DELETED = (
    pb.STATE_CHANGE_TYPE_SNAPSHOT,
    pb.STATE_CHANGE_TYPE_CREATED,
    pb.STATE_CHANGE_TYPE_STATE_CHANGED,
    pb.STATE_CHANGE_TYPE_DELETED,
)


def page(
    page_id: str, revision: int, kind: "pb.StateChangeType.ValueType" = CHANGED, **fields: object
) -> pb.StateChange:
    """A change of a page. `at` is its time, in seconds since 1970; `accepting` the page's."""
    transition = fields.pop("filter_transition", pb.FILTER_TRANSITION_UNSPECIFIED)
    at = fields.pop("at", 0)
    return pb.StateChange(
        revision=revision,
        type=kind,
        time=Timestamp(seconds=at),  # type: ignore[arg-type]
        filter_transition=transition,  # type: ignore[arg-type]
        booking_page=BookingPage(id=page_id, revision=revision, **fields),  # type: ignore[arg-type]
    )


def link(link_id: str, revision: int, kind: "pb.StateChangeType.ValueType" = CHANGED) -> pb.StateChange:
    return pb.StateChange(revision=revision, type=kind, calendar_link=CalendarLink(id=link_id, revision=revision))


def appointment(
    appointment_id: str, revision: int, kind: "pb.StateChangeType.ValueType" = CHANGED, **fields: object
) -> pb.StateChange:
    """A change of an appointment that Ann has. `ends` is when it is over, in seconds since 1970."""
    transition = fields.pop("filter_transition", pb.FILTER_TRANSITION_UNSPECIFIED)
    ends = fields.pop("ends", 2_000_000)
    held = Appointment(
        **({"state": "APPOINTMENT_STATE_ASSIGNED", "assignees": [Assignee(account_id="ann")]} | fields),  # type: ignore[arg-type]
        id=appointment_id,
        revision=revision,
        booking_page_id="intro",
        start_time=Timestamp(seconds=ends - 1800),  # type: ignore[operator]
        end_time=Timestamp(seconds=ends),  # type: ignore[arg-type]
        title="SECRET-TITLE",
        attendees=[{"email": "SECRET@example.com"}],  # type: ignore[list-item]
    )
    return pb.StateChange(revision=revision, type=kind, filter_transition=transition, appointment=held)  # type: ignore[arg-type]


def part(*changes: pb.StateChange) -> pb.WatchResponse:
    """Some of a snapshot."""
    return pb.WatchResponse(changes=changes)


def end(token: str) -> pb.WatchResponse:
    """The end of a snapshot."""
    return pb.WatchResponse(resume_token=token, snapshot_complete=True)


def changes(token: str, *changed: pb.StateChange) -> pb.WatchResponse:
    return pb.WatchResponse(changes=changed, resume_token=token)


def progress(token: str) -> pb.WatchResponse:
    return pb.WatchResponse(resume_token=token, progress=True)


def closing(token: str, reason: str) -> pb.WatchResponse:
    return pb.WatchResponse(resume_token=token, closing=pb.Closing(reason=reason))
