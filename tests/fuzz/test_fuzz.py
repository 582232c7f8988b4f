"""A short run, of the same samples each time; `make fuzz` sends a hundred thousand, others each time."""

from pathlib import Path

from tests.fuzz.run import fuzz

SEED, COUNT = 20260302, 2_000


async def test_any_bytes(tmp_path: Path) -> None:
    """Noise, odd messages and mutated ones, by every way in, are answered or refused as is foreseen; nothing breaks."""
    run = await fuzz(tmp_path, SEED, COUNT, lambda _: None)
    assert run.tally.total() == COUNT
    reached = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED", "HTTP 400", "HTTP 404", "greetings"}
    reached |= {"UNAUTHENTICATED", "JWTs let in", "JWTs refused"}
    assert reached <= set(run.tally), "it proves nothing about what it never met"
