"""The numbers of the schema's migrations."""

from calguard_server.store.migrate import migrations


def test_numbers_are_unique_and_have_no_gap() -> None:
    """Two that were made side by side would else both be the next one, and one of them would never run."""
    numbers = [number for number, _ in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))
