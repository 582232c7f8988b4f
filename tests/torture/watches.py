"""`make torture-watches`: 100,000 changes under watchers that stall, leave and come back, and a server with kills."""

from pathlib import Path

from tests.torture.command_line import Tell, listed, play
from tests.torture.run import Size, torture

CHANGES = 100_000
_KILLS_ABOUT = 25
_OBSERVATIONS_A_CHANGE = 1.5


async def _torture(folder: Path, seed: int, changes: int, tell: Tell) -> str:
    middle = max(200, int(changes * _OBSERVATIONS_A_CHANGE / _KILLS_ABOUT))
    size = Size(changes, 1, writers=48, subscribers=24, gap=(middle // 2, middle * 3 // 2))
    return listed(await torture(folder, seed, size, tell))


if __name__ == "__main__":
    play("make torture-watches", __doc__, "changes", CHANGES, _torture)
