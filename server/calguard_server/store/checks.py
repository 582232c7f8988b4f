"""What the check loop reads and saves, many links at a time: each in one step of one statement, with its rows as JSON.

With every step the thread gives up the interpreter's lock, and waits for it again while requests are being made. A step
for each row took a tenth of a check's processor time, and a fifth of the rate (measured by `make bench`).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

import msgspec

from calguard_server.engine.ports.checks import CheckTimes, DueLink
from calguard_server.engine.ports.grants import Grant
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.links import link_of
from calguard_server.store.rows.values import Row, from_list, optional_micros, to_micros
from calguard_server.store.vault import UnreadableError, Vault


def due_links(
    connection: sqlite3.Connection, vault: Vault, query: str, now: datetime, limit: int, besides: Sequence[str]
) -> list[DueLink]:
    """Read the links that a query finds due, with their grants."""
    (rows,) = connection.execute(QUERIES[query], (to_micros(now), limit, _json(besides))).fetchone()
    return [_due_link_of(row, vault) for row in msgspec.json.decode(rows)]


def record_checks(connection: sqlite3.Connection, times: Sequence[CheckTimes]) -> None:
    """Save the times of checks that changed nothing."""
    connection.execute(QUERIES["record_checks"], (_json([_row_of(each) for each in times]),))


def _due_link_of(row: Row, vault: Vault) -> DueLink:
    """Read a due link; a grant that no key opens is as good as none."""
    *_, sealed, scopes, subject = row
    grant: Grant | None = None
    if sealed:
        with suppress(UnreadableError):
            grant = Grant(vault.open(bytes.fromhex(sealed)), from_list(scopes), subject)
    return DueLink(link_of(row), grant)


def _row_of(times: CheckTimes) -> Row:
    return (
        times.calendar_link_id,
        times.evidence,
        to_micros(times.last_check_time),
        optional_micros(times.next_check_time),
        times.consecutive_failures,
        optional_micros(times.failing_since),
        optional_micros(times.quota_exhausted_since),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
