"""When links are checked, over hours of virtual time: evenly, caught up without a herd, and past those that hang."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.provider import Probe, ProbeRequest
from tests.fakes.inline_connections import InlineConnections
from tests.fakes.provider import FakeProvider
from tests.fakes.service import Service, running_service
from tests.fakes.virtual_time import VirtualClock, run_virtually
from tests.integration.virtual_harness import Mailbox, in_parts, virtual_minutes, working

LINKS = 3_000
MINUTE = timedelta(minutes=1)


class Google(FakeProvider):
    """Takes note of when each link is checked; does not answer those that hang until the request times out."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.asked: defaultdict[str, list[datetime]] = defaultdict(list)
        self.hanging: frozenset[str] = frozenset()

    async def probe(self, request: ProbeRequest) -> Probe:
        self.asked[request.calendar_link_id].append(self._clock.now())
        if request.calendar_link_id in self.hanging:
            await self._clock.sleep(timedelta(seconds=15))
            return Probe((Finding(CauseReason.NETWORK_ERROR),))
        await self._clock.sleep(timedelta(milliseconds=50))
        return Probe(())

    def a_minute(self, since: datetime) -> list[int]:
        """How many checks began in each minute after a time."""
        counted = Counter((each - since) // MINUTE for times in self.asked.values() for each in times if each >= since)
        return [counted[minute] for minute in range(max(counted) + 1)]


async def _linked(service: Service) -> list[str]:
    await in_parts([service.add_account(f"a{number}") for number in range(LINKS)])
    return [(await service.link(f"a{number}")).id for number in range(LINKS)]


def test_links_made_at_once_are_checked_evenly(tmp_path: Path) -> None:
    """Three thousand links made at one moment: each is checked every ten minutes, three hundred a minute."""
    run_virtually(_evenly(tmp_path / "db"))


async def _evenly(path: Path) -> None:
    clock = VirtualClock()
    google = Google(clock)
    async with running_service(path, clock=clock, provider=google, connections=InlineConnections()) as service:
        links = await _linked(service)
        async with working(service, Mailbox()):
            await virtual_minutes(15)
            google.asked.clear()
            await virtual_minutes(45)
        gaps = [after - before for link in links for before, after in pairwise(google.asked[link])]
        assert max(abs(gap - 10 * MINUTE) for gap in gaps) < timedelta(seconds=10)
        steady = google.a_minute(clock.now() - 20 * MINUTE)[:-1]
        assert all(240 < count < 360 for count in steady), steady


def test_what_fell_due_while_nothing_ran_is_caught_up_at_a_pace(tmp_path: Path) -> None:
    """After three hours of standstill every link is due at once: ten a second are checked, and not all of them."""
    run_virtually(_caught_up(tmp_path / "db"))


async def _caught_up(path: Path) -> None:
    clock = VirtualClock()
    google = Google(clock)
    async with running_service(path, clock=clock, provider=google, connections=InlineConnections()) as service:
        await _linked(service)
        await virtual_minutes(180)
        google.asked.clear()
        started = clock.now()
        async with working(service, Mailbox()):
            await virtual_minutes(30)
        by_second = Counter(
            (each - started) // timedelta(seconds=1) for times in google.asked.values() for each in times
        )
        assert max(by_second.values()) <= 22  # the burst of one second, and that second's own
        assert max(google.a_minute(started)) <= 620
        assert len(google.asked) == LINKS
        assert max(times[0] for times in google.asked.values()) - started < 11 * MINUTE


def test_links_that_hang_hold_up_no_others(tmp_path: Path) -> None:
    """Half a thousand links never answer, far more than there are places: the others are checked when they are due."""
    run_virtually(_past_those_that_hang(tmp_path / "db"))


async def _past_those_that_hang(path: Path) -> None:
    clock = VirtualClock()
    google = Google(clock)
    async with running_service(path, clock=clock, provider=google, connections=InlineConnections()) as service:
        links = await _linked(service)
        async with working(service, Mailbox()):
            await virtual_minutes(15)
            google.hanging = frozenset(links[::6])
            await virtual_minutes(15)
            google.asked.clear()
            await virtual_minutes(60)
        others = [link for link in links if link not in google.hanging]
        gaps = [after - before for link in others for before, after in pairwise(google.asked[link])]
        assert max(gaps) < 11 * MINUTE
        assert all(google.asked[link] for link in google.hanging)
