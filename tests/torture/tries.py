"""What the server did about notices: the ledger, and each claim, as the database itself noted it.

A trigger takes down every claim in the claim's own transaction, with the latest revision of the log: what was claimed
was looked at as things stood then.
"""

import sqlite3
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from calguard_server.workers.delivery_loop import DeliveryLoopOptions
from tests.simulation.database import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEASE = DeliveryLoopOptions().lease
_TRIGGER = """
CREATE TABLE observed_claims (delivery TEXT, lease_end INTEGER, revision INTEGER);
CREATE TRIGGER observe_claims AFTER UPDATE OF state ON deliveries WHEN new.state = 'SENDING' BEGIN
  INSERT INTO observed_claims
  VALUES (new.id, new.next_attempt_time, (SELECT COALESCE(MAX(revision), 0) FROM events));
END;
"""
_ATTEMPTS = "SELECT delivery, time, outcome, detail, message_id FROM delivery_attempts ORDER BY delivery, number"


@dataclass(frozen=True)
class Claim:
    """A delivery was taken to be sent."""

    time: datetime
    revision: int


@dataclass(frozen=True)
class Try:
    """One message that was tried, or one whose sender was killed (`lost`): whoever claimed it may have sent it.

    `revision`: as things stood there it was found true. `outcome` is as in the ledger.
    """

    channel: str
    recipient: str
    kind: str
    claim: Claim
    ended: datetime
    outcome: str
    lost: bool
    message_id: str
    rows: tuple[Row, ...]

    @property
    def pages(self) -> frozenset[str]:
        return frozenset() if self.kind.startswith(("LINK_", "OPERATOR_")) else frozenset(r.key[0] for r in self.rows)


def observe_claims(database: Path) -> None:
    """Have claims noted from now on; a server runs on the database."""
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(_TRIGGER)


@dataclass(frozen=True)
class Tries:
    """All of them, by when they ended, and the claims of each delivery, by its id."""

    all: Sequence[Try]
    claims: Mapping[str, Sequence[Claim]]


def read_tries(database: Path, rows: Sequence[Row]) -> Tries:
    """Read the database, once everything has come to an end."""
    claims: dict[str, list[Claim]] = defaultdict(list)
    with closing(sqlite3.connect(database)) as connection:
        for row_id, lease_end, revision in connection.execute("SELECT * FROM observed_claims ORDER BY rowid"):
            claims[row_id].append(Claim(_time(lease_end) - _LEASE, revision))
        attempts = connection.execute(_ATTEMPTS).fetchall()
    return Tries(_joined(attempts, {row.sequence: row for row in rows}, claims), claims)


def _joined(
    attempts: Iterable[tuple[int, int, str, str, str]], rows: Mapping[int, Row], claims: Mapping[str, Sequence[Claim]]
) -> list[Try]:
    """Put together what went out together: a claim is of whole groups, and a message has one outcome."""
    groups: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for sequence, micros, outcome, detail, message_id in attempts:
        row, ended = rows[sequence], _time(micros)
        claim = _claim_before(row, claims[row.id], ended)
        lost = detail.startswith("the server ended")
        alone = row.id if row.for_operator else ""
        groups[row.key[4], row.key[3], row.key[2], claim, ended, outcome, lost, message_id, alone].append(row)
    tries = [Try(*key[:-1], tuple(group)) for key, group in groups.items()]  # type: ignore[arg-type]
    return sorted(tries, key=lambda each: each.ended)


def _claim_before(row: Row, claims: Sequence[Claim], ended: datetime) -> Claim:
    """The last one before its outcome was known."""
    place = bisect_left([claim.time for claim in claims], ended)
    assert place, f"{row.key} was tried, and never claimed"
    return claims[place - 1]


def _time(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)
