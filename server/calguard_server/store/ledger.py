"""Reading the ledger of notices: each with its place in it, the pages of its message, and its attempts."""

import json
import sqlite3
from collections.abc import Iterable, Sequence

from calguard_server.domain.delivery import Attempt, AttemptOutcome
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.store.queries import QUERIES
from calguard_server.store.rows.deliveries import delivery_of
from calguard_server.store.rows.values import Row, from_micros


def read_by_id(connection: sqlite3.Connection, ids: Iterable[str]) -> list[Notification]:
    """Read the notifications that exist among the ids, with their attempts."""
    rows = connection.execute(QUERIES["notifications_by_id"], (json.dumps(list(ids)),)).fetchall()
    attempts: dict[int, list[Attempt]] = {}
    sequences = json.dumps([row[0] for row in rows])
    for sequence, time, outcome, detail, address, message_id in connection.execute(
        QUERIES["attempts_of_deliveries"], (sequences,)
    ):
        attempt = Attempt(from_micros(time), AttemptOutcome(outcome), detail, address, message_id)
        attempts.setdefault(sequence, []).append(attempt)
    return _notifications(connection, rows, attempts)


def read_list(
    connection: sqlite3.Connection, query: str, chosen: NotificationFilter, position: int, limit: int
) -> list[Notification]:
    """Read a page of the ledger, without attempts; `query` says from where on, and in which order."""
    states = json.dumps(sorted(chosen.states))
    within = json.dumps(sorted(chosen.within))
    values = (position, limit, states, chosen.booking_page_id, chosen.account_id, within)
    return _notifications(connection, connection.execute(QUERIES[query], values).fetchall(), {})


def _notifications(
    connection: sqlite3.Connection, rows: Sequence[Row], attempts: dict[int, list[Attempt]]
) -> list[Notification]:
    found = [(row[0], row[1], delivery_of(row[2:])) for row in rows]
    messages = json.dumps(sorted({delivery.message_id for _, _, delivery in found if delivery.message_id}))
    together: dict[str, list[tuple[str, str]]] = {}
    for message_id, delivery_id, page_id in connection.execute(QUERIES["deliveries_of_messages"], (messages,)):
        together.setdefault(message_id, []).append((delivery_id, page_id))
    return [
        Notification(
            sequence,
            delivery,
            _each_once(delivery.booking_page_id, (page for _, page in together.get(delivery.message_id, ()))),
            changed,
            tuple(other for other, _ in together.get(delivery.message_id, ()) if other != delivery.id),
            tuple(attempts.get(sequence, ())),
        )
        for sequence, changed, delivery in found
    ]


def _each_once(own: str, others: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(page for page in (own, *others) if page))
