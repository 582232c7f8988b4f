"""What a mirror holds, and how events change it: pure, without a socket, a clock or a thread.

1. A snapshot is gathered aside, and takes the place of what was there at once when it is whole: nobody sees half of it.
2. What a new snapshot does not show is gone, and is told as such.
3. What was deleted, or left the filter, is dropped; and so is an appointment that was cancelled, or is over.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from calguard.v1.appointment_pb2 import APPOINTMENT_STATE_CANCELLED, Appointment
from calguard.v1.booking_page_pb2 import BookingPage
from calguard.v1.calendar_link_pb2 import CalendarLink
from calguard.v1.provider_pb2 import ProviderStatus
from calguard.v1.watch_pb2 import FILTER_TRANSITION_LEFT, STATE_CHANGE_TYPE_DELETED, StateChange
from calguard_client.watching.events import Changes, SnapshotEnded, SnapshotPart, SnapshotStarted, WatchEvent

Resource: TypeAlias = CalendarLink | BookingPage | ProviderStatus | Appointment
Key: TypeAlias = tuple[str, str]
"""The field of StateChange that holds a resource, and its id; of a provider's status, the provider's number."""

LINK, PAGE, PROVIDER, APPOINTMENT = "calendar_link", "booking_page", "provider_status", "appointment"


@dataclass(frozen=True, slots=True)
class MirrorChange:
    """How a resource in a mirror changed: `before` is None where it is new, `after` where it is gone.

    `change` is what the server told; None where a new snapshot showed the difference, or an appointment is over.
    Resources are shared with the mirror: they are not to be changed.
    """

    before: Resource | None
    after: Resource | None
    change: StateChange | None = None

    @property
    def resource(self) -> Resource:
        """The resource as it stands, or as it last stood."""
        resource = self.before if self.after is None else self.after
        if resource is None:
            raise AssertionError("a change has one side at least")
        return resource


class Contents:
    """The resources, by key."""

    def __init__(self) -> None:
        self.resources: dict[Key, Resource] = {}
        self._gathered: dict[Key, Resource] = {}
        self._ends: list[tuple[int, str]] = []  # a heap: when appointments are over, and their ids

    def take(self, event: WatchEvent, now: float) -> Sequence[MirrorChange]:
        """Take in an event, at seconds since 1970; answer what changed."""
        return (*self._take(event, now), *self._drop_over(now))

    def _take(self, event: WatchEvent, now: float) -> Sequence[MirrorChange]:
        match event:
            case SnapshotStarted():
                self._gathered = {}
            case SnapshotPart(changes=changes):
                self._gathered.update(held for each in changes if (held := _held(each)) is not None)
            case SnapshotEnded():
                before, self.resources, self._gathered = self.resources, self._gathered, {}
                self._ends = [_end_of(each) for each in self.resources.values() if isinstance(each, Appointment)]
                heapq.heapify(self._ends)
                return tuple(_differences(before, self.resources))
            case Changes(changes=changes):
                return tuple(self._apply(changes, now))
        return ()

    def _apply(self, changes: Sequence[StateChange], now: float) -> Iterator[MirrorChange]:
        for change in changes:
            if (held := _held(change)) is None:
                continue
            key, resource = held
            before = self.resources.pop(key, None)
            gone = _is_gone(change, now)
            if not gone:
                self._hold(key, resource, new=before is None)
            if before is not None or not gone:
                yield MirrorChange(before, None if gone else resource, change)

    def _hold(self, key: Key, resource: Resource, *, new: bool) -> None:
        self.resources[key] = resource
        if new and isinstance(resource, Appointment):
            heapq.heappush(self._ends, _end_of(resource))

    def _drop_over(self, now: float) -> Iterator[MirrorChange]:
        while self._ends and self._ends[0][0] <= now:
            _, appointment_id = heapq.heappop(self._ends)
            over = self.resources.pop((APPOINTMENT, appointment_id), None)
            if over is not None:
                yield MirrorChange(over, None)


def _is_gone(change: StateChange, now: float) -> bool:
    if change.type == STATE_CHANGE_TYPE_DELETED or change.filter_transition == FILTER_TRANSITION_LEFT:
        return True
    if not change.HasField("appointment"):
        return False
    return change.appointment.state == APPOINTMENT_STATE_CANCELLED or change.appointment.end_time.seconds <= now


def _end_of(appointment: Appointment) -> tuple[int, str]:
    return appointment.end_time.seconds, appointment.id


def _held(change: StateChange) -> tuple[Key, Resource] | None:
    match change.WhichOneof("resource"):
        case "calendar_link":
            return (LINK, change.calendar_link.id), change.calendar_link
        case "booking_page":
            return (PAGE, change.booking_page.id), change.booking_page
        case "provider_status":
            return (PROVIDER, str(change.provider_status.provider)), change.provider_status
        case "appointment":
            return (APPOINTMENT, change.appointment.id), change.appointment
        case _:  # of a kind that a newer server has
            return None


def _differences(before: dict[Key, Resource], after: dict[Key, Resource]) -> Iterator[MirrorChange]:
    for key, resource in before.items():
        if key not in after:
            yield MirrorChange(resource, None)
    for key, resource in after.items():
        if (was := before.get(key)) != resource:
            yield MirrorChange(was, resource)
