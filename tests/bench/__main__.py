"""`make bench`: measures, prints the results with their targets, and writes them to docs/benchmarks.md.

Sections that are not measured stay as they are on the page.
"""

import argparse
import logging
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain

import structlog
import uvloop

from calguard_server.wiring.garbage_collector import tune_garbage_collector
from tests.bench import (
    availability_rate,
    call_rates,
    check_rate,
    durable_changes,
    idle_watches,
    million_links,
    native_drain,
    overload,
    page,
    servers,
    told_failures,
    watch_rates,
)

CHANGE_TARGETS = {64: 0.55, 1000: 0.7}
CHANGES_LEAST = 10_000
CHECK_LINKS = (10_000, 1_000_000)
CHECK_TARGET = 0.75

_CHANGES_HEAD = f"""## Durable state changes a second

Ours: so many writers, each with a link of its own on a page of its own, send signals that fail and mend the link. Each
signal changes {durable_changes.CHANGES_A_SIGNAL} states, appends {durable_changes.CHANGES_A_SIGNAL} events and owes the
notices, in one transaction shared with those that wait; its writer goes on when it is committed. Raw: the standard
library's sqlite3 writes the very same rows by `executemany`, as many signals a commit, with nothing loaded and nothing
decided. The median of {durable_changes.ROUNDS} rounds in turn.

| writers | ours | raw sqlite3 | ratio | target |
|---|---|---|---|---|
"""

_CHANGES_FOOT = """
What bounds ours is Python and not the disk. Of a signal's time (two changes) about a fifth each is: loading the rows
that it is decided on, deciding, encoding the two events as watchers receive them, and writing (what raw does, and
turning objects into rows); the rest is waking the writers. Raw does the fourth of these alone. For the ratios to meet
their targets, a signal would have to be loaded, decided and encoded within about the time of its write.
"""

_CHECKS_HEAD = f"""## Checks a second

Ours: the check loop with {check_rate.CONCURRENCY} workers, the store and the Google adapter check
{check_rate.CHECKS:,} links of a database with so many, against a local server; each check makes two requests, is
judged, and its times are saved. Raw: as many tasks of a bare aiohttp loop make the same requests and read the answers.
The cost is the processor time of the process for one check, all its threads included. The median of
{check_rate.ROUNDS} rounds in turn.

| links | ours | raw aiohttp | ratio | target | cost, ours | cost, raw |
|---|---|---|---|---|---|---|
"""

_CHECKS_FOOT = """
The ratio does not meet its target. What bounds ours is Python, call after call, with nothing left that stands out.
Measured part by part, half of a check is aiohttp (all that raw does); an eighth fills in the requests, paces them and
judges the answers; a fifth is the loop, deciding and scheduling; the rest, a sixth, is the threads in which SQLite
reads what is due, with its grant to decrypt, and saves what was found. Each part of ours costs up to twice what it does
when it runs by itself over and over. At Google's default quota, 83 such checks a second, that is 2 % of one core.
"""

_MILLION_HEAD = """## A million links in one process

A server process on a database with a million links, each with a page, a grant and an account of its own. Memory is
what the process holds (resident), SQLite's caches included; it grows with the links whose access tokens are held.

| what | measured | target |
|---|---|---|
"""


Section = Callable[[], Iterator[str]]
"""Measures, and tells its part of the page piece by piece."""


def main() -> None:
    """Measure, print, and write the page."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    tune_garbage_collector()
    arguments = _arguments()
    for name in arguments.sections or _BY_DEFAULT:
        if name in _NATIVE and (missing := native_drain.missing()):
            sys.stdout.write(f"\nLeft out: {name}. {missing}\n")
        else:
            _measure(name, partial(idle_watches.soak, arguments.minutes) if name == "soak" else _SECTIONS[name])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="section", help=f"of: {', '.join(_ORDER)}")
    parser.add_argument("--minutes", type=int, default=10, help="how long `soak` takes")
    arguments = parser.parse_args()
    if unknown := sorted({*arguments.sections} - {*_ORDER}):
        parser.error(f"no section is named {', '.join(unknown)}: expected some of {', '.join(_ORDER)}")
    return arguments


def _measure(name: str, section: Section) -> None:
    """Measure a section, and put it into the page before the next is measured."""
    told = ""
    for part in chain(section(), [_machine(name)]):
        sys.stdout.write(part)
        sys.stdout.flush()
        told += part
    kept = page.sections_of(page.PATH.read_text()) if page.PATH.exists() else {}
    page.PATH.write_text(page.page_of(kept | {name: told}, _ORDER))


def _machine(name: str) -> str:
    etcd = ""
    if name in _BESIDE_ETCD:
        version = servers.etcd_version()
        etcd = f", etcd {version}" if version else "; etcd is not installed, and its rows are left out"
    return f"\nMeasured on: {page.machine()}{etcd}\n"


def _changes() -> Iterator[str]:
    yield _CHANGES_HEAD
    for writers, target in CHANGE_TARGETS.items():
        yield _changes_row(uvloop.run(durable_changes.measure(writers)), target)
    yield _CHANGES_FOOT


def _checks() -> Iterator[str]:
    yield _CHECKS_HEAD
    for links in CHECK_LINKS:
        yield _checks_row(uvloop.run(check_rate.measure(links)))
    yield _CHECKS_FOOT


def _million() -> Iterator[str]:
    yield _MILLION_HEAD
    yield from _million_rows(uvloop.run(million_links.measure()))


def _changes_row(measured: durable_changes.Measured, target: float) -> str:
    ours, raw = statistics.median(measured.ours), statistics.median(measured.raw)
    goal = f"ratio >= {target}, ours >= {CHANGES_LEAST:,}"
    return f"| {measured.writers} | {ours:,.0f} | {raw:,.0f} | {measured.ratio:.2f} | {goal} |\n"


def _checks_row(measured: check_rate.Measured) -> str:
    ours, raw = statistics.median(measured.ours), statistics.median(measured.raw)
    costs = " | ".join(f"{statistics.median(each):.0f} us" for each in (measured.cost, measured.raw_cost))
    goal = f"ratio >= {CHECK_TARGET}"
    return f"| {measured.links:,} | {ours:,.0f} | {raw:,.0f} | {measured.ratio:.2f} | {goal} | {costs} |\n"


def _million_rows(measured: million_links.Measured) -> Iterator[str]:
    yield f"| from the start of the process until it serves | {measured.start_seconds:.1f} s | <= 15 s |\n"
    yield f"| memory when it serves | {measured.memory / 2**20:.0f} MiB | |\n"
    for checks, memory in measured.memory_after.items():
        yield f"| memory after {checks:,} checks | {memory / 2**20:.0f} MiB | |\n"
    yield f"| memory a link that is checked | {measured.memory_a_link / 2**10:.2f} KiB | <= 1 KiB |\n"


_SECTIONS: Mapping[str, Section] = {
    "calls": call_rates.section,
    "overload": overload.section,
    "watch": watch_rates.section,
    "idle": idle_watches.section,
    "failures": told_failures.section,
    "changes": _changes,
    "checks": _checks,
    "availability": availability_rate.section,
    "million": _million,
}
_BY_DEFAULT = tuple(_SECTIONS)
_ORDER = ("calls", "overload", "watch", "idle", "soak", "failures", "changes", "checks", "availability", "million")
_BESIDE_ETCD = ("calls", "watch", "idle")
_NATIVE = (*_BESIDE_ETCD, "overload", "soak", "failures")

if __name__ == "__main__":
    main()
