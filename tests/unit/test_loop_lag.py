"""How late the event loop is, in virtual time."""

import asyncio
from typing import Any

from prometheus_client import CollectorRegistry

from calguard_server.telemetry.loop_lag import LoopLag
from tests.fakes.virtual_time import VirtualClock, VirtualLoop


def test_lateness_is_what_a_wake_takes_beyond_what_it_asked_for() -> None:
    """A loop that something keeps busy for two seconds is late by the part of them that the sleep did not cover."""
    registry = CollectorRegistry()

    async def measured() -> None:
        running = asyncio.create_task(LoopLag(VirtualClock(), registry).run())
        await asyncio.sleep(0.75)  # noqa: TID251 - virtual: the loop jumps
        assert _sample(registry, "count") == 1
        assert _sample(registry, "sum") == 0
        loop: Any = asyncio.get_running_loop()
        loop._jumping.micros += 2_000_000
        await asyncio.sleep(0.01)  # noqa: TID251 - virtual: the loop jumps
        assert _sample(registry, "sum") == 1.75
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(measured())


def _sample(registry: CollectorRegistry, name: str) -> float | None:
    return registry.get_sample_value(f"calguard_event_loop_lag_seconds_{name}")
