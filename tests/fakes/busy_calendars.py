"""Calendars that are busy when a test says, for tests of the engine alone."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from calguard_server.domain.causes import Finding
from calguard_server.domain.intervals import Interval
from calguard_server.engine.ports.appointment_calendars import BusyTimes, EntryDraft
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.provider_errors import ProviderFailureError


@dataclass
class FakeCalendars:
    """`busy` is by link, and of every calendar of it; `fails` are the findings met, one that names no calendar by all.

    `held` lets those who ask wait until it is set; of a link in `silent` they wait for ever. `asked` is what was asked:
    the link, and the window.
    """

    busy: dict[str, tuple[Interval, ...]] = field(default_factory=dict)
    fails: dict[str, Finding] = field(default_factory=dict)
    held: asyncio.Event | None = None
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, Interval]] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def busy_times(
        self,
        calendar_link_id: str,
        grant: Grant,  # noqa: ARG002 - the port's
        calendar_ids: Sequence[str],
        window: Interval,
    ) -> BusyTimes:
        self.asked.append((calendar_link_id, window))
        answer = self.busy.get(calendar_link_id, ())
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            if calendar_link_id in self.silent:
                await asyncio.Event().wait()
            if self.held is not None:
                await self.held.wait()
        finally:
            self.at_once -= 1
        finding = self.fails.get(calendar_link_id)
        if finding is not None and not finding.calendar_id:
            raise ProviderFailureError(finding)
        failed = () if finding is None else (finding,)
        named = {each.calendar_id for each in failed}
        return BusyTimes({each: answer for each in calendar_ids if each not in named}, failed)

    async def add_entry(self, calendar_link_id: str, grant: Grant, draft: EntryDraft) -> None: ...

    async def remove_entry(self, calendar_link_id: str, grant: Grant, calendar_id: str, event_id: str) -> None: ...
