"""`make fuzz`: 100,000 samples of what nobody would send, by every way in; no error, no traceback, no growth."""

from pathlib import Path

from tests.fuzz.run import fuzz
from tests.torture.command_line import Tell, listed, play

COUNT = 100_000
GROWTH_MAX = 64 * 2**20
"""How much the server's memory may grow after the first fifth: what it stores and streams of what was accepted."""


async def _fuzz(folder: Path, seed: int, count: int, tell: Tell) -> str:
    run = await fuzz(folder, seed, count, tell)
    grown = run.resident[-1] - run.resident[0]
    assert grown < GROWTH_MAX, f"memory grew by {grown / 2**20:.0f} MiB"
    tell(listed(dict(run.tally.most_common())))
    return f"memory grew by {grown / 2**20:.1f} MiB after the first fifth"


if __name__ == "__main__":
    play("make fuzz", __doc__, "count", COUNT, _fuzz)
