"""`make bench`: prints each measurement with its target, and the machine it was made on."""

import asyncio
import logging
import os
import platform
import sqlite3
import statistics
import sys

import structlog

from tests.bench.durable_changes import CHANGES_A_SIGNAL, ROUNDS, Measured, measure

TARGETS = {64: 0.55, 1000: 0.7}
LEAST = 10_000


def main() -> None:
    """Measure, and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    python = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    _print(f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()} {platform.release()}, {python}")
    _print(f"\nDurable state changes a second ({CHANGES_A_SIGNAL} a signal; median of {ROUNDS} rounds, in turn)\n")
    _print(f"{'writers':>8} {'ours':>10} {'raw sqlite3':>12} {'ratio':>7}   target")
    for writers, target in TARGETS.items():
        _print(_row(asyncio.run(measure(writers)), target))


def _row(measured: Measured, target: float) -> str:
    ours, raw = statistics.median(measured.ours), statistics.median(measured.raw)
    return f"{measured.writers:>8} {ours:>10,.0f} {raw:>12,.0f} {measured.ratio:>7.2f}   >= {target}, >= {LEAST:,}/s"


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
