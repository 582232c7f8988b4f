"""A short run, always of the same choices; `make torture-notices` plays a long one, of others each time."""

from pathlib import Path

from tests.torture.notices_run import NoticesSize, torture_notices

SEED = 20260302
SHORT = NoticesSize(kills=8, gap=(5, 60))


async def test_notices_under_torture(tmp_path: Path) -> None:
    """Killed while receivers fail: everything owed arrives, and twice only where nobody could know."""
    seen = await torture_notices(tmp_path, SEED, SHORT, lambda _: None)
    assert seen["kills"] >= SHORT.kills
    for what in ("messages received", "notices SENT", "notices SUPPRESSED", "faults"):
        assert seen[what] > 0, f"it proves nothing about: {what}"
