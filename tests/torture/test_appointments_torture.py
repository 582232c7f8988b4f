"""A short run, always of the same choices; `make torture-appointments` plays a long one, of others each time."""

from pathlib import Path

from tests.torture.appointments_run import AppointmentsSize, torture_appointments

SEED = 20261101
SHORT = AppointmentsSize(kills=5, round_kills=5, gap=(40, 140))


async def test_appointments_under_torture(tmp_path: Path) -> None:
    """Killed while Google fails: nothing that was answered is lost, nobody is booked twice, no event is there twice."""
    seen = await torture_appointments(tmp_path, SEED, SHORT, lambda _: None)
    assert seen["kills"] >= SHORT.kills
    for what in ("assigned", "cancelled", "given to somebody else", "taken in turn", "repeated", "faults of Google"):
        assert seen[what] > 0, f"it proves nothing about: {what}"
