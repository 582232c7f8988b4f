"""NotificationService."""
# ruff: noqa: N802 - the methods are named by the contract

import re

from calguard.v1 import notification_pb2 as pb
from calguard.v1 import notification_pb2_grpc
from calguard_server.domain.errors import NotFoundError
from calguard_server.engine.ports import NotificationFilter, Store
from calguard_server.grpc_api import enums
from calguard_server.grpc_api.convert import notification_to_wire
from calguard_server.grpc_api.paging import Paging, page_size, split
from calguard_server.grpc_api.validation import Checker

_SEQUENCE = re.compile(r"[1-9][0-9]{0,17}")
"""A row's number: what a database's 64 bits hold."""


class NotificationService(notification_pb2_grpc.NotificationServiceServicer):
    """The ledger of notices. `store` is only read."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def GetNotification(self, request: pb.GetNotificationRequest, _context: object) -> pb.GetNotificationResponse:
        """Read one notification."""
        check = Checker()
        notification_id = check.id("id", request.id)
        check.refuse()
        notification = await self._store.notification(notification_id)
        if notification is None:
            raise NotFoundError(
                "NOTIFICATION_NOT_FOUND",
                f"there is no notification {notification_id}",
                metadata={"id": notification_id},
            )
        return pb.GetNotificationResponse(notification=notification_to_wire(notification))

    async def ListNotifications(
        self, request: pb.ListNotificationsRequest, _context: object
    ) -> pb.ListNotificationsResponse:
        """List notifications, newest first."""
        chosen = _read_filter(request)
        filters = (chosen.booking_page_id, chosen.account_id, *sorted(chosen.states))
        paging = Paging("ListNotifications", *filters, position=_SEQUENCE)
        before, size = int(paging.after(request.page_token) or 0), page_size(request.page_size)
        rows, more = split(await self._store.notifications(chosen, before, size + 1), size)
        return pb.ListNotificationsResponse(
            notifications=[notification_to_wire(row) for row in rows],
            next_page_token=paging.token(str(rows[-1].sequence)) if more else "",
        )


def _read_filter(request: pb.ListNotificationsRequest) -> NotificationFilter:
    check = Checker()
    states = check.enums("states", request.states, enums.DELIVERY_STATE)
    booking_page_id = check.optional_id("booking_page_id", request.booking_page_id)
    account_id = check.optional_id("account_id", request.account_id)
    check.page_size(request.page_size)
    check.refuse()
    return NotificationFilter(states, booking_page_id, account_id)
