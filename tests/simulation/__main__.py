"""`make simulate`: plays random histories until one fails, or one again by its seed."""

import argparse
import itertools
import random
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from os import cpu_count

from tests.simulation.history import Told, run_history
from tests.simulation.summary import summary

HISTORIES, STEPS = 1000, 100
_PROGRESS_EVERY = 50
_LAST_LINES = 60


def main() -> int:
    """Play, and print what was played; answers 1 where a history failed."""
    asked = _arguments()
    if asked.seed is not None and asked.histories is None:
        return _play_again(asked.seed, asked.steps)
    base = asked.seed if asked.seed is not None else random.SystemRandom().randrange(1_000_000_000)
    count = asked.histories or HISTORIES
    _print(f"{count} histories of {asked.steps} steps, from seed {base} on")
    tally: Counter[str] = Counter()
    for number, told in enumerate(_histories(base, count, asked.steps), start=1):
        tally += told.tally
        if told.failure is not None:
            _print(f"\nhistory {number} failed, seed {told.seed}; its last steps:\n{told.story(_LAST_LINES)}")
            return 1
        if number % _PROGRESS_EVERY == 0:
            _print(
                f"{number} histories, {tally['steps']} steps, {tally['minutes passed'] // 60} hours, all as the rules"
            )
    _print(summary(tally))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="play this history again; with --histories the first of several")
    parser.add_argument("--histories", type=int, help=f"how many (default: {HISTORIES})")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"how many steps each (default: {STEPS})")
    return parser.parse_args()


def _histories(base: int, count: int, steps: int) -> Iterator[Told]:
    """Play histories side by side, and hand them on in the order of their seeds."""
    with ProcessPoolExecutor(max_workers=cpu_count()) as pool:
        try:
            yield from pool.map(run_history, range(base, base + count), itertools.repeat(steps))
        finally:
            pool.shutdown(cancel_futures=True)


def _play_again(seed: int, steps: int) -> int:
    told = run_history(seed, steps)
    _print(told.story())
    return 0 if told.failure is None else 1


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
