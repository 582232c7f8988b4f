"""Use case: when a page can be booked."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from calguard_server.domain import availability as rules
from calguard_server.domain.availability import MemberTime
from calguard_server.domain.intervals import Interval, merged
from calguard_server.engine.accepting import require_accepting
from calguard_server.engine.busy import MemberTimes
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_page
from calguard_server.engine.seeds import Seeds

Assigned = Callable[[Sequence[str], Interval], Awaitable[Mapping[str, Sequence[Interval]]]]
"""Answers the appointments that accounts have here within a window; who has none may be left out."""


async def nothing_assigned(account_ids: Sequence[str], window: Interval) -> Mapping[str, Sequence[Interval]]:  # noqa: ARG001 - as Assigned has them
    """Answer that nobody has an appointment."""
    return {}


class Availability:
    """Tells when pages can be booked."""

    def __init__(self, context: Context, times: MemberTimes, assigned: Assigned = nothing_assigned) -> None:
        self._context = context
        self._times = times
        self._assigned = assigned

    async def query(
        self, page_id: str, window: Interval, duration: timedelta, patience: timedelta | None = None
    ) -> rules.Availability:
        """Tell when a page can be booked within a window for so long, by calendars and what was assigned here.

        What is past cannot be booked. `patience` is how long calendars are waited for at most, besides the setting's.

        What calendars say may be as old as the cache keeps it. The stretches are found as they are read, which takes a
        while of hundreds of members over months: a thread's work. Raises NotFoundError, FailedPreconditionError
        `PAGE_STOPPED`.
        """
        rows = await self._context.store.look(Seeds(pages=(page_id,)))
        page = found_page(rows.pages.get(page_id), page_id)
        require_accepting(page)
        now = self._context.clock.now()
        if window.end <= now:
            return rules.Availability((), (), without_members=not page.members)
        window = Interval(max(window.start, now), window.end)
        members = [member.account_id for member in page.members]
        links_of = {each: rows.links_of_account(each) for each in members}
        times = await self._times.of_links(links_of, window, patience=patience)
        assigned = await self._assigned(members, window)
        busy = [_with(each, assigned.get(each.account_id, ())) for each in times]
        return rules.availability(page.scheduling_mode, busy, window, duration)


def _with(member: MemberTime, assigned: Sequence[Interval]) -> MemberTime:
    if member.busy is None or not assigned:
        return member
    return MemberTime(member.account_id, tuple(merged((*member.busy, *assigned))))
