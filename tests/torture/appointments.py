"""`make torture-appointments`: a server killed 200 times while callers assign, cancel, reassign, and Google fails."""

from pathlib import Path

from tests.torture.appointments_run import AppointmentsSize, torture_appointments
from tests.torture.command_line import Tell, listed, play

KILLS = 200


async def _torture(folder: Path, seed: int, kills: int, tell: Tell) -> str:
    return listed(await torture_appointments(folder, seed, AppointmentsSize(kills), tell))


if __name__ == "__main__":
    play("make torture-appointments", __doc__, "kills", KILLS, _torture)
