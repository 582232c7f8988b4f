"""Who is free at a time, asked of their calendars right now."""

import asyncio
from collections.abc import Mapping, Sequence

from calguard_server.domain.assignment import Standing
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.engine.examine import usable_grant
from calguard_server.engine.ports import AppointmentCalendars, BusyTimes, ProviderFailureError, Store
from calguard_server.engine.suspicions import Suspicions


class FreeNow:
    """Asks calendars; never answers from memory."""

    def __init__(self, store: Store, calendars: AppointmentCalendars, suspicions: Suspicions) -> None:
        self._store = store
        self._calendars = calendars
        self._suspicions = suspicions

    async def ask(self, links_of: Mapping[str, Sequence[CalendarLink]], time: Interval) -> dict[str, Standing]:
        """Tell of each account, by its links, whether it is FREE, BUSY or UNKNOWN; all are asked side by side.

        Who has no calendar that is checked is free. A link that fails is checked soon.
        """
        found = await asyncio.gather(*(self._ask_account(links, time) for links in links_of.values()))
        return dict(zip(links_of, found, strict=True))

    async def _ask_account(self, links: Sequence[CalendarLink], time: Interval) -> Standing:
        checked = [link for link in links if link.check_calendar_ids and link.state is not LinkState.STOPPED]
        found = await asyncio.gather(*(self._ask_link(link, time) for link in checked))
        if Standing.BUSY in found:
            return Standing.BUSY
        return Standing.UNKNOWN if Standing.UNKNOWN in found else Standing.FREE

    async def _ask_link(self, link: CalendarLink, time: Interval) -> Standing:
        times = await self._busy_times(link, time)
        for finding in times.failed:
            await self._suspicions.suspect(link.id, finding)
        if any(each.overlaps(time) for busy in times.busy.values() for each in busy):
            return Standing.BUSY
        unread = any(each not in times.busy for each in link.check_calendar_ids)
        return Standing.UNKNOWN if unread or times.failed else Standing.FREE

    async def _busy_times(self, link: CalendarLink, time: Interval) -> BusyTimes:
        grant = await usable_grant(self._store, link.id)
        if grant is None:
            return BusyTimes({}, (Finding(CauseReason.AUTHORIZATION_INCOMPLETE),))
        try:
            return await self._calendars.busy_times(link.id, grant, link.check_calendar_ids, time)
        except ProviderFailureError as failure:
            return BusyTimes({}, (failure.finding,))
