"""A server's workers in virtual time: check loops at their pace, incidents, deliveries, over a real SQLite file."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from calguard_server.domain.delivery import Outcome, RetryPolicy
from calguard_server.domain.notices import Channel
from calguard_server.domain.schedule import SchedulePolicy
from calguard_server.notifiers.message import Address, NoticeMessage
from calguard_server.workers.check_loop import CheckLoop, CheckLoopOptions
from calguard_server.workers.check_pace import CheckPace, PaceOptions
from calguard_server.workers.composer import Composer, ComposerOptions
from calguard_server.workers.delivery_loop import DeliveryLoop, DeliveryLoopOptions
from calguard_server.workers.incident_review import IncidentReview
from tests.fakes.service import Service
from tests.fakes.world import middle

_AT_ONCE = 250


@dataclass
class Mailbox:
    """Takes every message."""

    received: list[tuple[NoticeMessage, Address]] = field(default_factory=list)

    async def send(self, message: NoticeMessage, address: Address) -> Outcome:
        self.received.append((message, address))
        return Outcome(sent=True)


async def in_parts(work: list[Coroutine[Any, Any, object]]) -> None:
    for start in range(0, len(work), _AT_ONCE):
        await asyncio.gather(*work[start : start + _AT_ONCE])


@asynccontextmanager
async def working(service: Service, mailbox: Mailbox) -> AsyncIterator[None]:
    """Everything that a server runs by itself."""
    loops = [_check_loop(service, failing=failing).run() for failing in (False, True)]
    review = IncidentReview(service.incidents, service.clock, service.context.policies.incident.window).run()
    tasks = [asyncio.create_task(each) for each in (*loops, review, _delivery_loop(service, mailbox).run())]
    try:
        yield
    finally:
        for task in tasks:
            assert not task.done(), task
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _check_loop(service: Service, *, failing: bool) -> CheckLoop:
    policy = SchedulePolicy()
    interval = policy.retry_interval_max if failing else policy.check_interval
    pace = CheckPace(service.store, PaceOptions(interval), failing=failing)
    options = CheckLoopOptions(failing)
    return CheckLoop(service.store, service.checks, service.clock, pace, options, lambda _reason, _seconds: None)


def _delivery_loop(service: Service, mailbox: Mailbox) -> DeliveryLoop:
    composer = Composer(service.store, ComposerOptions("https://relink.test", "https://help.test", "ops@example.com"))
    notifiers = dict.fromkeys(Channel, mailbox)
    return DeliveryLoop(
        service.store,
        composer,
        notifiers,
        service.alerts,
        service.clock,
        middle,
        RetryPolicy(),
        DeliveryLoopOptions(),
    )


async def virtual_minutes(minutes: float) -> None:
    await asyncio.sleep(timedelta(minutes=minutes).total_seconds())  # noqa: TID251 - virtual: the loop jumps
