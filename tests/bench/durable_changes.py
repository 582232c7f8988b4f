"""Durable state changes a second: the whole path of a signal, beside raw sqlite3 writing the same rows.

Ours: so many writers, each with a link of its own on a page of its own, signal FAILED and LINKED in turn. Each signal
changes two states (the link's and the page's), appends two events, and owes the notices; its writer goes on when it is
committed. Raw: the standard library's sqlite3 writes the very rows that our run left, by `executemany`, as many signals
a commit as there are writers. Both write the same schema with WAL and synchronous=FULL, on the same disk.
"""

import asyncio
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.link import Checked
from calguard_server.domain.page import SchedulingMode
from calguard_server.engine.propagate import Propagation
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet
from calguard_server.store.columns import DELIVERIES, LINKS, PAGES
from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES
from tests.fakes.service import Service, running_service

ROUNDS = 5
SIGNALS_A_WRITER = {64: 60, 1000: 8}
CHANGES_A_SIGNAL = 2
_FINDINGS = ((Finding(CauseReason.SESSION_POLICY),), ())


@dataclass(frozen=True, slots=True)
class Measured:
    """Changes a second, ours and raw, of each round."""

    writers: int
    ours: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The median of ours by the median of raw."""
        return statistics.median(self.ours) / statistics.median(self.raw)


async def measure(writers: int) -> Measured:
    """Measure ours and raw in turn, on fresh databases."""
    measured = Measured(writers)
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            rate, rows = await _ours(Path(folder) / "ours", writers)
            measured.ours.append(rate)
            measured.raw.append(_raw(Path(folder) / "raw", rows, writers))
    return measured


async def _ours(path: Path, writers: int) -> tuple[float, "Rows"]:
    async with running_service(path) as service:
        links = await _prepare(service, writers)
        signals = SIGNALS_A_WRITER[writers]
        begun = time.perf_counter()
        await asyncio.gather(*(_signal(service, link, signals) for link in links))
        seconds = time.perf_counter() - begun
        rows = await service.store.writer.submit(_read_back)
        return writers * signals * CHANGES_A_SIGNAL / seconds, rows


async def _prepare(service: Service, writers: int) -> list[str]:
    links = []
    for number in range(writers):
        name = f"account-{number}"
        await service.add_account(name)
        links.append((await service.link(name)).id)
        await service.add_page(f"page-{number}", SchedulingMode.ALL_MEMBERS, name, name)
    return links


async def _signal(service: Service, link_id: str, signals: int) -> None:
    seeds = Seeds(links=(link_id,))
    for number in range(signals):
        await service.store.transact(Unit(seeds, _decision(service, link_id, _FINDINGS[number % 2])))


def _decision(service: Service, link_id: str, findings: tuple[Finding, ...]) -> Callable[[WorkingSet], None]:
    def decide(rows: WorkingSet) -> None:
        link = rows.links[link_id]
        if link is None:
            raise LookupError(link_id)
        propagation = Propagation(rows, service.clock.now(), service.context)
        propagation.signal(link, Checked(findings, link.evidence))

    return decide


@dataclass(frozen=True, slots=True)
class Rows:
    """What our run wrote, read back: the states as they ended, and all that was appended."""

    links: list[Any]
    pages: list[Any]
    events: list[Any]
    deliveries: list[Any]
    incidents: list[Any]


def _read_back(connection: sqlite3.Connection) -> Rows:
    def read(columns: str, table: str) -> list[Any]:
        return connection.execute(f"SELECT {columns} FROM {table}").fetchall()

    return Rows(
        read(", ".join(LINKS), "links"),
        read(", ".join(PAGES), "pages"),
        read("*", "events"),
        read(", ".join(DELIVERIES), "deliveries"),
        read("*", "incidents"),
    )


def _raw(path: Path, rows: Rows, writers: int) -> float:
    """Write the same rows with the standard library alone, as many signals a commit as there are writers."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    migrate(connection)
    commits = SIGNALS_A_WRITER[writers]
    appended = [_slices(each, commits) for each in (rows.events, rows.deliveries, rows.incidents)]
    begun = time.perf_counter()
    for number in range(commits):
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(QUERIES["save_link"], rows.links)
        connection.executemany(QUERIES["save_page"], rows.pages)
        for query, slices in zip(("insert_event", "insert_delivery", "save_incident"), appended, strict=True):
            connection.executemany(QUERIES[query], slices[number])
        connection.executemany(QUERIES["save_incident"], appended[2][number])  # opened, and closed
        connection.execute("COMMIT")
    seconds = time.perf_counter() - begun
    connection.close()
    return writers * commits * CHANGES_A_SIGNAL / seconds


def _slices(rows: list[Any], count: int) -> list[list[Any]]:
    size = -(-len(rows) // count)
    return [rows[start * size : (start + 1) * size] for start in range(count)]
