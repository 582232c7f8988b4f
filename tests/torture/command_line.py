"""How a long run is called: a seed that is printed, how much of it, and what was seen at the end."""

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

Tell = Callable[[str], None]
Run = Callable[[Path, int, int, Tell], Awaitable[str]]
"""A folder, a seed, how much, and whom to tell how it goes; answers what was seen."""


def play(prog: str, description: str | None, option: str, amount: int, run: Run) -> None:
    """Play a run of an amount, unless `--option` asks for another, and print what happened.

    Raises what was not as it must be.
    """
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("--seed", type=int, help="make the choices of this run again")
    parser.add_argument(f"--{option}", type=int, dest="amount", default=amount, help=f"how many (default: {amount})")
    asked = parser.parse_args()
    seed = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    _print(f"{option}: {asked.amount}, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            seen = asyncio.run(_played(run, Path(folder), seed, asked.amount))
        except BaseException:
            _print(f"seed {seed} failed")
            raise
    _print(f"{seen}: all as it must be")


def listed(tally: dict[str, int]) -> str:
    """Write what was counted."""
    return ", ".join(f"{count} {what}" for what, count in tally.items())


async def _played(run: Run, folder: Path, seed: int, amount: int) -> str:
    return await run(folder, seed, amount, _print)


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
