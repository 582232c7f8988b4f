"""Reading what is open, and what is silenced."""

from datetime import datetime

from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.domain.silence import Silence
from calguard_server.engine.ports.deliveries import IncidentOf
from calguard_server.store.rows.incidents import provider_status_of
from calguard_server.store.rows.silences import silence_of
from calguard_server.store.rows.values import to_micros
from calguard_server.store.sqlite.base import Base


class IncidentCalls(Base):
    """The provider's incidents, those that are to be followed up, and silences."""

    async def provider_status(self) -> ProviderStatus | None:
        """Read the provider's status."""
        return next(iter(await self._all(provider_status_of, "provider_statuses")), None)

    async def due_follow_ups(self, now: datetime, limit: int) -> list[IncidentOf]:
        """Name the open incidents that are to be followed up."""
        return await self._all(lambda row: IncidentOf(*row), "due_follow_ups", to_micros(now), limit)

    async def silences(self, now: datetime, after: str, limit: int) -> list[Silence]:
        """List the silences in force."""
        return await self._all(silence_of, "silences_after", to_micros(now), after, limit)
