"""What fell due while nobody checked is caught up evenly."""

from datetime import timedelta
from pathlib import Path

from calguard_server.workers.check_pace import CheckPace, PaceOptions
from tests.fakes.service import Service, running_service


async def _linked(service: Service, count: int) -> None:
    for number in range(count):
        await service.add_account(f"a{number}")
        await service.link(f"a{number}")


async def test_checks_start_at_twice_the_rate_that_the_links_need(tmp_path: Path) -> None:
    """30 links a minute: one may start at once, and then one each second, however many are due."""
    async with running_service(tmp_path / "db") as service:
        await _linked(service, 30)
        clock = service.clock
        options = PaceOptions(timedelta(minutes=1), least_per_second=0.1)
        pace = CheckPace(service.store, options, failing=False)
        started = 0
        for _ in range(100):
            allowed = await pace.allowance(clock.now())
            pace.spend(allowed)
            started += allowed
            assert allowed <= 1
            clock.advance(timedelta(milliseconds=100))
        assert started == 10
        assert pace.until_next() <= timedelta(seconds=1)


async def test_few_links_are_not_held_up(tmp_path: Path) -> None:
    """The least rate holds where the links would need less."""
    async with running_service(tmp_path / "db") as service:
        pace = CheckPace(service.store, PaceOptions(timedelta(minutes=10)), failing=True)
        assert await pace.allowance(service.clock.now()) == 10
