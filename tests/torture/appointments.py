"""`make torture-appointments`: a server killed 200 times while callers assign, cancel, reassign, and Google fails."""

from collections import Counter
from pathlib import Path

from tests.torture.appointments_run import AppointmentsSize, torture_appointments
from tests.torture.command_line import Tell, play


async def _torture(folder: Path, seed: int, kills: int, tell: Tell) -> Counter[str]:
    return await torture_appointments(folder, seed, AppointmentsSize(kills), tell)


if __name__ == "__main__":
    play("make torture-appointments", __doc__, _torture)
