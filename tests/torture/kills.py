"""`make torture-kills`: 500 kills at random moments under load; state, revisions, deliveries, mirrors are compared."""

from pathlib import Path

from tests.crash.test_kill import play as kill
from tests.torture.command_line import Tell, listed, play

KILLS = 500
_WRITERS = 4


async def _torture(folder: Path, seed: int, kills: int, tell: Tell) -> str:
    return listed(await kill(folder, seed, kills, _WRITERS, tell))


if __name__ == "__main__":
    play("make torture-kills", __doc__, "kills", KILLS, _torture)
