"""A short run, always the same; `make torture-watches` plays a long one, of another seed each time."""

from pathlib import Path

from tests.torture.run import Size, torture

SEED = 20260302
SHORT = Size(changes=1_500, kills=3, writers=12, subscribers=8, gap=(300, 900))


async def test_torture(tmp_path: Path) -> None:
    """Every copy ends equal to the store, and every log of every change is gapless and in order."""
    tally = await torture(tmp_path, SEED, SHORT, lambda _: None)
    assert tally["changes"] >= SHORT.changes
    for what in ("streams", "stalls", "went back", "began anew"):
        assert tally[what] > 0, f"it proves nothing about: {what}"
