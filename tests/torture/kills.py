"""`make torture-kills`: 500 kills at random moments under load; state, revisions, deliveries, mirrors are compared."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.crash.test_kill import play

KILLS = 500
_WRITERS = 4


def main() -> None:
    """Play a run, and print what happened. Raises what was not as it must be."""
    parser = argparse.ArgumentParser(prog="make torture-kills", description=__doc__)
    parser.add_argument("--seed", type=int, help="play the choices of this run again")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many kills (default: {KILLS})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    _print(f"{asked.kills} kills, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            tally = asyncio.run(play(Path(folder), seed, asked.kills, _WRITERS, _print))
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    _print(", ".join(f"{count} {what}" for what, count in tally.items()) + ": all as it must be")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
