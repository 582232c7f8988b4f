"""`make torture-notices`: a server killed 200 times under load, while Slack and the mail server fail at random."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.torture.notices_run import NoticesSize, torture_notices

KILLS = 200


def main() -> None:
    """Play a run, and print what happened. Raises what was not as it must be."""
    parser = argparse.ArgumentParser(prog="make torture-notices", description=__doc__)
    parser.add_argument("--seed", type=int, help="make the choices of this run again")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many kills (default: {KILLS})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    _print(f"{asked.kills} kills, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = asyncio.run(torture_notices(Path(folder), seed, NoticesSize(asked.kills), _print))
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    for what, count in sorted(seen.items()):
        _print(f"{count:6} {what}")
    _print("all as it must be")


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
