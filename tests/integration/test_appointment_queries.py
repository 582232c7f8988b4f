"""How appointments are found: by indexes, however many there are."""

import sqlite3
from contextlib import closing

import pytest

from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES

FINDING = {
    "appointments_by_id": 1,
    "entries_by_appointment": 1,
    "appointments_in_the_way": 4,
    "times_in_the_way": 4,
    "assigned_since": 2,
    "last_assigned": 2,
    "assigned_last": 1,
    "due_entries": 3,
    "next_entry_time": 0,
    "wake_entries": 2,
    "mark_reviews": 3,
    "own_events": 4,
    "due_reviews": 3,
    "next_review_time": 0,
    "put_off_review": 3,
    "drop_review": 2,
    "appointments_after": 10,
    "appointments_of_page_after": 10,
    "appointments_of_snapshot": 7,
}


BY_KEY = ("appointments_by_id", "put_off_review", "drop_review")


@pytest.mark.parametrize(("query", "values"), FINDING.items(), ids=FINDING)
def test_no_table_of_appointments_is_read_whole(query: str, values: int) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection)
        plan = connection.execute(f"EXPLAIN QUERY PLAN {QUERIES[query]}", ("[]",) * values).fetchall()
    steps = [step for *_, step in plan]
    assert not [step for step in steps if step.startswith(("SCAN entries", "SCAN appointments", "SCAN reviews"))]
    tables = ("entries", "appointments", "reviews")
    assert any("INDEX" in step and any(table in step for table in tables) for step in steps) or (
        query in BY_KEY and any("PRIMARY KEY" in step for step in steps)
    )
