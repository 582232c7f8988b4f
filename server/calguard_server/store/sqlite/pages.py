"""Reading booking pages."""

import json
from collections.abc import Collection

from calguard_server.domain.page import BookingPage, PagePhase, PageState
from calguard_server.engine.ports.filters import PageFilter
from calguard_server.store.rows.pages import page_of
from calguard_server.store.sqlite.base import Base


class PageCalls(Base):
    """Booking pages."""

    async def page(self, page_id: str) -> BookingPage | None:
        """Read a page."""
        return (await self.pages_by_id([page_id])).get(page_id)

    async def pages(self, chosen: PageFilter, after: str, limit: int) -> list[BookingPage]:
        """List pages."""
        phases = json.dumps(_phases_of(chosen.states))
        return await self._all(
            page_of, "pages_after", after, limit, chosen.account_id, phases, json.dumps(sorted(chosen.within))
        )

    async def pages_by_id(self, ids: Collection[str]) -> dict[str, BookingPage]:
        """Read the pages that exist among the ids."""
        return {page.id: page for page in await self._all(page_of, "pages_by_id", json.dumps(list(ids)))}


def _phases_of(states: frozenset[PageState]) -> list[str]:
    stopped = (PagePhase.STOPPED_BY_RULE, PagePhase.STOPPED_BY_OWNER, PagePhase.STOPPED_BY_BOTH)
    phases: list[str] = [state.value for state in states if state is not PageState.STOPPED]
    return phases + [phase.value for phase in stopped if PageState.STOPPED in states]
