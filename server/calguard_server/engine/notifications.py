"""Use cases of the ledger: reading it, and what operators do about notices that could not be sent."""

from collections.abc import Callable
from enum import StrEnum

from msgspec.structs import replace

from calguard_server.domain.dead_letters import discard, retry
from calguard_server.domain.delivery import Delivery
from calguard_server.engine.context import Context
from calguard_server.engine.found import found_notification
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.requests import Request
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet


class NotificationOrder(StrEnum):
    """In which order notifications are listed; the names are part of the contract."""

    NEWEST = "NEWEST"
    CHANGED = "CHANGED"


class Notifications:
    """Reads, retries and discards notifications."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def get(self, notification_id: str) -> Notification:
        """Answer a notification with its attempts. Raises NotFoundError."""
        return found_notification(await self._context.store.notification(notification_id), notification_id)

    async def newest(self, chosen: NotificationFilter, before: int, limit: int) -> list[Notification]:
        """List notifications newest first, those before a place in the ledger (0: all)."""
        return await self._context.store.notifications(chosen, before, limit)

    async def changed(self, chosen: NotificationFilter, after: int, limit: int) -> list[Notification]:
        """List notifications by their last change, those that changed after a place in that order."""
        return await self._context.store.notifications_changed(chosen, after, limit)

    async def last_change(self) -> int:
        """Answer where the order of changes ends just now."""
        return await self._context.store.last_notification_change()

    async def retry(self, notification_id: str, request: Request | None = None) -> Notification:
        """Have a notification sent after all. Raises NotFoundError, IllegalTransitionError."""
        now, wait = self._context.clock.now(), self._context.policies.notice_group_wait
        return await self._change(notification_id, lambda delivery: retry(delivery, now, wait), request)

    async def discard(self, notification_id: str, request: Request | None = None) -> Notification:
        """Give a notification up for good. Raises NotFoundError, IllegalTransitionError."""
        return await self._change(notification_id, discard, request)

    async def _change(
        self, notification_id: str, change: Callable[[Delivery], Delivery], request: Request | None
    ) -> Notification:
        def decide(rows: WorkingSet) -> Notification:
            notification = found_notification(rows.notifications.get(notification_id), notification_id)
            changed = replace(notification, delivery=change(notification.delivery))
            rows.put_notification(changed)
            return changed

        return await self._context.store.transact(Unit(Seeds(notifications=(notification_id,)), decide, request))
