"""Which changes a watch is sent: decided on their keys, without decoding them."""

from collections.abc import Callable

from calguard_server.domain.events import ResourceKind
from calguard_server.engine.ports import LogEntry, WatchSpec

Matches = Callable[[LogEntry], bool]


def matcher(spec: WatchSpec) -> Matches | None:
    """Answer the test that a change must pass; None where every change does."""
    if not (spec.account_ids or spec.calendar_link_ids or spec.booking_page_ids or spec.kinds):
        return None
    kinds = kinds_of(spec)
    ids = {
        ResourceKind.CALENDAR_LINK: spec.calendar_link_ids,
        ResourceKind.BOOKING_PAGE: spec.booking_page_ids,
        ResourceKind.PROVIDER_STATUS: frozenset[str](),
    }

    def matches(entry: LogEntry) -> bool:
        kind = ResourceKind(entry.kind)
        if kind not in kinds or (ids[kind] and entry.resource_id not in ids[kind]):
            return False
        if kind is ResourceKind.PROVIDER_STATUS:
            return True
        return not spec.account_ids or not spec.account_ids.isdisjoint(entry.account_ids)

    return matches


def kinds_of(spec: WatchSpec) -> frozenset[ResourceKind]:
    """Answer the kinds that a watch is about.

    Naming only links leaves out pages, and the other way round; naming both, or neither, leaves out none. The
    provider's status is nobody's: naming anything leaves it out, unless it is asked for.
    """
    named = {
        kind
        for kind, ids in (
            (ResourceKind.CALENDAR_LINK, spec.calendar_link_ids),
            (ResourceKind.BOOKING_PAGE, spec.booking_page_ids),
        )
        if ids
    }
    if spec.kinds or named:
        return frozenset(spec.kinds or named)
    return frozenset(ResourceKind) - ({ResourceKind.PROVIDER_STATUS} if spec.account_ids else frozenset())
