"""`make torture`: 100,000 changes under watchers that stall, leave and come back, and a server that is killed."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.torture.run import Size, torture

CHANGES = 100_000
_KILLS_ABOUT = 25
_OBSERVATIONS_A_CHANGE = 1.5


def main() -> None:
    """Play a run, and print what happened. Raises what was not as it must be."""
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--seed", type=int, help="play the choices of this run again")
    parser.add_argument("--changes", type=int, default=CHANGES, help=f"how many changes (default: {CHANGES})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    middle = max(200, int(asked.changes * _OBSERVATIONS_A_CHANGE / _KILLS_ABOUT))
    size = Size(asked.changes, 1, writers=48, subscribers=24, gap=(middle // 2, middle * 3 // 2))
    _print(f"{asked.changes} changes, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            tally = asyncio.run(torture(Path(folder), seed, size, _print))
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    _print(", ".join(f"{count} {what}" for what, count in tally.items()) + ": all as it must be")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
