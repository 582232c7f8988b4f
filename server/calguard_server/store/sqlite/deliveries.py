"""Claiming deliveries, and saving what became of them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from calguard_server.domain.notices import Channel
from calguard_server.engine.ports.deliveries import ClaimedDelivery, DeliveryUpdate
from calguard_server.store import deliveries
from calguard_server.store.rows.values import optional_time
from calguard_server.store.sqlite.base import Base


class DeliveryCalls(Base):
    """Deliveries on their way."""

    async def claim_deliveries(
        self, now: datetime, lease: timedelta, limits: Mapping[Channel, int]
    ) -> list[ClaimedDelivery]:
        """Claim deliveries that are due."""
        return await self.writer.submit(
            lambda connection: deliveries.claim(connection, self._vault, now, lease, limits)
        )

    async def update_deliveries(self, updates: Sequence[DeliveryUpdate]) -> None:
        """Save how claimed deliveries go on."""
        await self.writer.submit(lambda connection: deliveries.update(connection, updates))

    async def release_deliveries(self, now: datetime) -> None:
        """Give back what a process that is gone had claimed."""
        await self.writer.submit(lambda connection: deliveries.release(connection, now))

    async def next_delivery_time(self) -> datetime | None:
        """Tell when the next delivery is due."""
        row = await self._one("next_delivery_time")
        return None if row is None else optional_time(row[0])
