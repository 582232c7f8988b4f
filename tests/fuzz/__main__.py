"""`make fuzz`: 100,000 samples of what nobody would send, by every way in; no error, no traceback, no growth."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.fuzz.run import fuzz

COUNT = 100_000
GROWTH_MAX = 64 * 2**20
"""How much the server's memory may grow after the first fifth: what it stores and streams of what was accepted."""


def main() -> None:
    """Play a run, and print what happened. Raises what was not as it must be."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, help="send the samples of this run again")
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many (default: {COUNT})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    _print(f"{asked.count} samples, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = asyncio.run(fuzz(Path(folder), seed, asked.count, _print))
            grown = run.resident[-1] - run.resident[0]
            assert grown < GROWTH_MAX, f"memory grew by {grown / 2**20:.0f} MiB"
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    _print(", ".join(f"{count} {what}" for what, count in run.tally.most_common()))
    _print(f"memory grew by {grown / 2**20:.1f} MiB after the first fifth: all as it must be")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
