"""Reading the ledger of notices."""

from datetime import datetime

from calguard_server.domain.notices import Channel
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.store import ledger
from calguard_server.store.rows.values import from_micros
from calguard_server.store.sqlite.base import Base


class NotificationCalls(Base):
    """The ledger."""

    async def notification(self, notification_id: str) -> Notification | None:
        """Read a notification."""
        found = await self._readers.read(lambda connection: ledger.read_by_id(connection, [notification_id]))
        return next(iter(found), None)

    async def notifications(self, chosen: NotificationFilter, before: int, limit: int) -> list[Notification]:
        """List notifications, newest first."""
        return await self._readers.read(
            lambda connection: ledger.read_list(connection, "notifications_before", chosen, before, limit)
        )

    async def notifications_changed(self, chosen: NotificationFilter, after: int, limit: int) -> list[Notification]:
        """List notifications by their last change."""
        return await self._readers.read(
            lambda connection: ledger.read_list(connection, "notifications_changed_after", chosen, after, limit)
        )

    async def last_notification_change(self) -> int:
        """Answer where the order of changes ends."""
        row = await self._one("last_change_of_deliveries")
        return 0 if row is None else int(row[0])

    async def oldest_unsent(self) -> dict[Channel, datetime]:
        """Tell since when the oldest notification waits, by channel."""
        rows = await self._all(tuple, "oldest_unsent")
        return {Channel(channel): from_micros(since) for channel, since in rows}
