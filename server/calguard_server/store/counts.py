"""Counting for the server's status."""

import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from calguard_server.domain.appointment import EntryState
from calguard_server.domain.link_state import LinkState
from calguard_server.domain.page import PagePhase
from calguard_server.engine.ports.counts import StatusCounts, WorkCounts
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.values import optional_time

S = TypeVar("S", bound=StrEnum)

_UNDONE = (EntryState.NOT_ADDED, EntryState.REMOVING)


def count(connection: sqlite3.Connection) -> StatusCounts:
    """Count what there is, as it stands at one revision."""
    rows = {(what, state): int(value) for what, state, value in connection.execute(QUERIES["status_counts"])}
    return StatusCounts(
        links=_by_state("links", LinkState, LinkState.LINKED, rows),
        pages=_by_state("pages", PagePhase, PagePhase.LINKED, rows),
        unsent=rows["unsent", ""],
        oldest_unsent_time=optional_time(rows.get(("oldest unsent", ""))),
        dead=rows["dead", ""],
    )


def count_work(connection: sqlite3.Connection) -> WorkCounts:
    """Count what waits."""
    rows = {(what, state): value for what, state, value in connection.execute(QUERIES["work_counts"])}
    checks = [rows[kind, ""] for kind in ("check", "failing check") if rows[kind, ""] is not None]
    return WorkCounts(
        oldest_due_check=optional_time(min(checks, default=None)),
        oldest_due_entry=optional_time(rows["entry", ""]),
        undone_entries={state: rows.get(("undone", state.value), 0) for state in _UNDONE},
        open_incidents=rows["incidents", ""] + rows["incidents of links", ""],
    )


def _by_state(what: str, states: type[S], healthy: S, rows: Mapping[tuple[str, str], int]) -> Mapping[S, int]:
    """Count what is healthy as the rest: an index of it would have to be kept up by nearly every write."""
    counts = {state: rows.get((what, state.value), 0) for state in states}
    counts[healthy] = rows[what, ""] - sum(counts.values())
    return counts
