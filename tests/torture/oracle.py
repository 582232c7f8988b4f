"""What a filter lets pass, and so what a subscriber must be told: by the contract's words, on whole resources."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from calguard.v1 import watch_pb2 as watch_pb

Key = tuple[str, str]
"""The name of the kind's field in StateChange, and the id."""

Told = tuple[int, int]
"""A revision, and the transition that came with it."""

_KINDS = {"calendar_link": watch_pb.RESOURCE_KIND_CALENDAR_LINK, "booking_page": watch_pb.RESOURCE_KIND_BOOKING_PAGE}
_UNTOLD = ("last_check_time", "next_check_time", "consecutive_failures")
"""Written in batches, and told of with the next change only."""


@dataclass(frozen=True)
class Filter:
    """As in WatchRequest; what is empty does not narrow."""

    account_ids: tuple[str, ...] = ()
    booking_page_ids: tuple[str, ...] = ()
    kinds: tuple[int, ...] = ()

    def passes(self, kind: str, resource: Any) -> bool:  # noqa: ANN401 - a link or a page
        """Whether a watch with this filter shows a resource as it stands."""
        kinds = self.kinds or ((_KINDS["booking_page"],) if self.booking_page_ids else tuple(_KINDS.values()))
        if _KINDS[kind] not in kinds:
            return False
        if kind == "booking_page" and self.booking_page_ids and resource.id not in self.booking_page_ids:
            return False
        return not self.account_ids or bool(set(self.account_ids) & set(_accounts_of(kind, resource)))


def key_of(change: watch_pb.StateChange) -> Key:
    """The key of the resource that a change is of."""
    kind = change.WhichOneof("resource") or ""
    return kind, getattr(change, kind).id


def comparable(resource: Any) -> Any:  # noqa: ANN401 - a link or a page
    """A copy without what is told of with the next change only."""
    copy = type(resource)()
    copy.CopyFrom(resource)
    for name in _UNTOLD:
        if name in copy.DESCRIPTOR.fields_by_name:
            copy.ClearField(name)
    return copy


def told_by(log: Iterable[watch_pb.StateChange], narrowed: Filter) -> Iterator[Told]:
    """What a watch of every change under a filter must be told, if it watches from the very beginning."""
    passed: dict[Key, bool] = {}
    for change in log:
        kind, _ = key = key_of(change)
        now = narrowed.passes(kind, getattr(change, kind))
        before = passed.get(key, now)
        passed[key] = now
        if change.type == watch_pb.STATE_CHANGE_TYPE_DELETED:
            del passed[key]
        if now or before:
            yield change.revision, _TRANSITIONS[before, now]


_TRANSITIONS = {
    (True, True): watch_pb.FILTER_TRANSITION_UNSPECIFIED,
    (False, True): watch_pb.FILTER_TRANSITION_ENTERED,
    (True, False): watch_pb.FILTER_TRANSITION_LEFT,
}


def _accounts_of(kind: str, resource: Any) -> list[str]:  # noqa: ANN401 - a link or a page
    if kind == "calendar_link":
        return [resource.account_id]
    return [resource.owner_account_id, *(member.account_id for member in resource.members)]
