"""Keep an exact copy of every booking page in a database of your own, across restarts of everything.

    python examples/follow.py 127.0.0.1:50051 pages.db

The copy and the resume token are written in one transaction, so they can never disagree: however this program ends, it
goes on after the last change that is in the copy, and is told none twice.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import closing, suppress

from calguard.v1.watch_pb2 import (
    FILTER_TRANSITION_LEFT,
    RESOURCE_KIND_BOOKING_PAGE,
    STATE_CHANGE_TYPE_DELETED,
    StateChange,
    WatchRequest,
)
from calguard_client import AsyncClient, Interrupted, SnapshotEnded, SnapshotPart, SnapshotStarted, WatchEvent

SCHEMA = """
CREATE TABLE IF NOT EXISTS pages (id TEXT PRIMARY KEY, accepting INTEGER, page BLOB);
CREATE TABLE IF NOT EXISTS place (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), resume_token TEXT);
"""


class Copy:
    """The copy, and where it stands."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._snapshot: list[StateChange] = []
        database.executescript(SCHEMA)

    @property
    def resume_token(self) -> str:
        """Where to go on; empty at first."""
        row = self._database.execute("SELECT resume_token FROM place").fetchone()
        return row[0] if row else ""

    def take(self, event: WatchEvent) -> None:
        """Take in an event, and where it ends, in one transaction."""
        match event:
            case Interrupted(refusal=refusal):
                print(f"interrupted: {refusal.message}", flush=True)
            case SnapshotStarted():
                self._snapshot = []  # the pages that it will not show are gone
            case SnapshotPart(changes=changes):
                self._snapshot.extend(changes)
            case SnapshotEnded():
                self._write(self._snapshot, event.resume_token, afresh=True)
            case _:
                self._write(event.changes, event.resume_token)

    def _write(self, changes: Iterable[StateChange], resume_token: str, *, afresh: bool = False) -> None:
        with self._database:  # commits at its end, or nothing at all
            if afresh:
                self._database.execute("DELETE FROM pages")
            told = [f"revision {change.revision}: {self._apply(change)}" for change in changes]
            self._database.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", (resume_token,))
        for line in told:
            print(line, flush=True)

    def _apply(self, change: StateChange) -> str:
        page = change.booking_page
        if change.type == STATE_CHANGE_TYPE_DELETED or change.filter_transition == FILTER_TRANSITION_LEFT:
            self._database.execute("DELETE FROM pages WHERE id = ?", (page.id,))
            return f"{page.id} is gone"
        row = (page.id, page.accepting, page.SerializeToString())
        self._database.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", row)
        return f"{page.id} {'accepts' if page.accepting else 'accepts no'} bookings"


async def main(address: str, path: str) -> None:
    """Follow until interrupted."""
    with closing(sqlite3.connect(path)) as database:
        copy = Copy(database)
        request = WatchRequest(kinds=[RESOURCE_KIND_BOOKING_PAGE], resume_token=copy.resume_token)
        async with AsyncClient(address) as client, client.watch(request) as watch:
            async for event in watch:
                copy.take(event)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(*sys.argv[1:3]))
