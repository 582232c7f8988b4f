"""Causes and faults, as columns of rows and within lists."""

import json
from collections.abc import Sequence

from calguard_server.domain.causes import Capability, Cause, CauseReason
from calguard_server.domain.page import Fault
from calguard_server.store.rows.values import Row, from_micros, to_micros


def to_faults(faults: Sequence[Fault]) -> str:
    """Write faults."""
    if not faults:
        return "[]"
    return json.dumps([[each.account_id, each.calendar_link_id, *cause_columns(each.cause)] for each in faults])


def from_faults(text: str) -> tuple[Fault, ...]:
    """Read faults."""
    if text == "[]":
        return ()
    read = ((row[0], row[1], cause_of(row[2:6])) for row in json.loads(text))
    return tuple(Fault(account_id, link_id, cause) for account_id, link_id, cause in read if cause is not None)


def cause_columns(cause: Cause | None) -> Row:
    """Write a cause."""
    if cause is None:
        return (None, None, None, None)
    capability = None if cause.capability is None else cause.capability.value
    return (cause.reason.value, to_micros(cause.since), cause.calendar_id, capability)


def cause_of(columns: Row) -> Cause | None:
    """Read a cause."""
    reason, since, calendar_id, capability = columns
    if reason is None:
        return None
    return Cause(
        CauseReason(reason), from_micros(since), calendar_id, None if capability is None else Capability(capability)
    )
