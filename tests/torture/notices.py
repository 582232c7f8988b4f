"""`make torture-notices`: a server killed 200 times under load, while Slack and the mail server fail at random."""

from pathlib import Path

from tests.torture.command_line import Tell, listed, play
from tests.torture.notices_run import NoticesSize, torture_notices

KILLS = 200


async def _torture(folder: Path, seed: int, kills: int, tell: Tell) -> str:
    return listed(await torture_notices(folder, seed, NoticesSize(kills), tell))


if __name__ == "__main__":
    play("make torture-notices", __doc__, "kills", KILLS, _torture)
