"""NotificationService."""
# ruff: noqa: N802 - the methods are named by the contract

import re

from calguard.v1 import notification_pb2 as pb
from calguard.v1 import notification_pb2_grpc
from calguard_server.engine.notifications import NotificationOrder, Notifications
from calguard_server.engine.ports.filters import NotificationFilter
from calguard_server.engine.ports.notifications import Notification
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.authentication import scope_of_call
from calguard_server.grpc_api.convert import notification_in_full, notification_to_wire
from calguard_server.grpc_api.idempotency import request_of
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import Checker

_PLACE = re.compile(r"0|[1-9][0-9]{0,17}")
"""A row's place in one of the orders: what a database's 64 bits hold."""


class NotificationService(notification_pb2_grpc.NotificationServiceServicer):
    """The ledger of notices."""

    def __init__(self, notifications: Notifications) -> None:
        self._notifications = notifications

    async def GetNotification(self, request: pb.GetNotificationRequest, _context: object) -> pb.GetNotificationResponse:
        """Read one notification."""
        check = Checker()
        notification_id = check.id("id", request.id)
        check.refuse()
        notification = await self._notifications.get(notification_id)
        return pb.GetNotificationResponse(notification=notification_in_full(notification))

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, _context: object
    ) -> pb.ListNotificationsResponse:
        """List notifications, newest first or by their last change."""
        chosen, order = _read_list(request)
        if order is NotificationOrder.CHANGED:
            return await self._list_changed(request, chosen)
        follow_token = "" if request.page_token else await self._follow_token(chosen)
        paging = _paging(order, chosen)
        before, size = int(paging.after(request.page_token) or 0), page_size(request.page_size)
        rows, more = split(await self._notifications.newest(chosen, before, size + 1), size)
        return pb.ListNotificationsResponse(
            notifications=[notification_to_wire(row) for row in rows],
            next_page_token=paging.token(str(rows[-1].sequence)) if more else "",
            follow_token=follow_token,
        )

    async def RetryNotification(
        self, request: pb.RetryNotificationRequest, _context: object
    ) -> pb.RetryNotificationResponse:
        """Have a notification sent after all."""
        notification_id = _read_change(request)
        call = request_of("RetryNotification", request, _retried)
        return _retried(await self._notifications.retry(notification_id, call))

    async def DiscardNotification(
        self, request: pb.DiscardNotificationRequest, _context: object
    ) -> pb.DiscardNotificationResponse:
        """Give a notification up."""
        notification_id = _read_change(request)
        call = request_of("DiscardNotification", request, _discarded)
        return _discarded(await self._notifications.discard(notification_id, call))

    async def _follow_token(self, chosen: NotificationFilter) -> str:
        """Tell where the changes begin that a list cannot show that is read after this."""
        return _paging(NotificationOrder.CHANGED, chosen).token(str(await self._notifications.last_change()))

    async def _list_changed(
        self, request: pb.ListNotificationsRequest, chosen: NotificationFilter
    ) -> pb.ListNotificationsResponse:
        paging, size = _paging(NotificationOrder.CHANGED, chosen), page_size(request.page_size)
        after = int(paging.after(request.page_token) or 0)
        rows = await self._notifications.changed(chosen, after, size)
        return pb.ListNotificationsResponse(
            notifications=[notification_to_wire(row) for row in rows],
            next_page_token=paging.token(str(rows[-1].changed if rows else after)),
        )


def _read_list(request: pb.ListNotificationsRequest) -> tuple[NotificationFilter, NotificationOrder]:
    check = Checker()
    states = check.enums("states", request.states, enums.DELIVERY_STATE)
    booking_page_id = check.optional_id("booking_page_id", request.booking_page_id)
    account_id = check.optional_id("account_id", request.account_id)
    order = check.enum("order", request.order, enums.NOTIFICATION_ORDER, NotificationOrder.NEWEST)
    check.page_size(request.page_size)
    check.refuse()
    chosen = NotificationFilter(states, booking_page_id, account_id, scope_of_call().within)
    return chosen, order or NotificationOrder.NEWEST


def _read_change(request: pb.RetryNotificationRequest | pb.DiscardNotificationRequest) -> str:
    check = Checker()
    notification_id = check.id("id", request.id)
    check.request_id(request.request_id)
    check.refuse()
    return notification_id


def _paging(order: NotificationOrder, chosen: NotificationFilter) -> Paging:
    filters = (chosen.booking_page_id, chosen.account_id, *sorted(chosen.states))
    return Paging(f"ListNotifications {order}", *filters, position=_PLACE)


def _retried(notification: Notification) -> pb.RetryNotificationResponse:
    return pb.RetryNotificationResponse(notification=notification_in_full(notification))


def _discarded(notification: Notification) -> pb.DiscardNotificationResponse:
    return pb.DiscardNotificationResponse(notification=notification_in_full(notification))
