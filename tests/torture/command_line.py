"""How a torture is called: a seed that is printed, how many kills, and what was seen at the end."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

KILLS = 200

Tell = Callable[[str], None]
Torture = Callable[[Path, int, int, Tell], Awaitable[Counter[str]]]
"""A folder, a seed, how many kills, and whom to tell how it goes; answers what was seen."""


def play(prog: str, description: str | None, torture: Torture) -> None:
    """Play a run, and print what happened. Raises what was not as it must be."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--seed", type=int, help="make the choices of this run again")
    parser.add_argument("--kills", type=int, default=KILLS, help=f"how many kills (default: {KILLS})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    _print(f"{asked.kills} kills, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = asyncio.run(_played(torture, Path(folder), seed, asked.kills))
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    for what, count in sorted(seen.items()):
        _print(f"{count:6} {what}")
    _print("all as it must be")


async def _played(torture: Torture, folder: Path, seed: int, kills: int) -> Counter[str]:
    return await torture(folder, seed, kills, _print)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
