"""Which links are due for a check, and the times of checks."""

from collections.abc import Collection, Sequence
from datetime import datetime

from calguard_server.engine.ports.checks import CheckTimes, DueLink
from calguard_server.store import checks
from calguard_server.store.sqlite.base import Base


class CheckCalls(Base):
    """Checks of links."""

    async def due_links(self, now: datetime, limit: int, besides: Collection[str], *, failing: bool) -> list[DueLink]:
        """Answer links whose check is due."""
        query, named = "due_failing_links" if failing else "due_links", list(besides)
        return await self._readers.read(
            lambda connection: checks.due_links(connection, self._vault, query, now, limit, named)
        )

    async def count_scheduled(self, *, failing: bool) -> int:
        """Count the links that are to be checked."""
        row = await self._one("count_scheduled_failing" if failing else "count_scheduled")
        return 0 if row is None else int(row[0])

    async def record_checks(self, times: Sequence[CheckTimes]) -> None:
        """Save the times of checks that changed nothing."""
        await self.writer.submit(lambda connection: checks.record_checks(connection, times))
