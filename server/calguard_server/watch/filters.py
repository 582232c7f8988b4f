"""Which changes a watch is sent: decided on their keys, without decoding them."""

from collections.abc import Callable
from enum import Enum

from calguard_server.domain.events import ResourceKind
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.watching import WatchSpec


class Passage(Enum):
    """How a change passes a filter."""

    WITHIN = "WITHIN"
    ENTERED = "ENTERED"  # the resource did not pass before, and does now
    LEFT = "LEFT"  # the resource passed before, and does not any more: the last that is told of it


Judge = Callable[[LogEntry], Passage | None]


def judge_of(spec: WatchSpec) -> Judge | None:
    """Answer what says how a change passes a filter, or that it does not; None where every change does."""
    kinds = kinds_of(spec)
    if len(kinds) == len(ResourceKind) and not (spec.account_ids or spec.calendar_link_ids or spec.booking_page_ids):
        return None
    ids = {
        ResourceKind.CALENDAR_LINK: spec.calendar_link_ids,
        ResourceKind.BOOKING_PAGE: spec.booking_page_ids,
        ResourceKind.PROVIDER_STATUS: frozenset[str](),
        ResourceKind.APPOINTMENT: spec.booking_page_ids,
    }
    wanted_ids = {kind.value: ids[kind] for kind in kinds}
    account_ids = spec.account_ids

    def judge(entry: LogEntry) -> Passage | None:
        wanted = wanted_ids.get(entry.kind)
        if wanted is None or (wanted and (entry.page_id or entry.resource_id) not in wanted):
            return None
        if not account_ids or entry.kind == ResourceKind.PROVIDER_STATUS:
            return Passage.WITHIN
        return _passage(entry, account_ids)

    return judge


def kinds_of(spec: WatchSpec) -> frozenset[ResourceKind]:
    """Answer the kinds that a watch is about.

    Naming only links leaves out pages, and the other way round; naming both, or neither, leaves out none. The
    provider's status is nobody's: naming anything leaves it out, unless it is asked for. Appointments are left out
    unless they are asked for.
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
    left_out = {ResourceKind.APPOINTMENT} | ({ResourceKind.PROVIDER_STATUS} if spec.account_ids else set())
    return frozenset(ResourceKind) - left_out


def _passage(entry: LogEntry, account_ids: frozenset[str]) -> Passage | None:
    now = not account_ids.isdisjoint(entry.account_ids)
    if not (entry.added_account_ids or entry.removed_account_ids):
        return Passage.WITHIN if now else None
    stayed = account_ids.difference(entry.added_account_ids)
    before = not (account_ids.isdisjoint(entry.removed_account_ids) and stayed.isdisjoint(entry.account_ids))
    if now:
        return Passage.WITHIN if before else Passage.ENTERED
    return Passage.LEFT if before else None
