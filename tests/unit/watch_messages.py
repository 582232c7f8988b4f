"""Messages of a watch, written briefly."""

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import watch_pb2 as pb
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
