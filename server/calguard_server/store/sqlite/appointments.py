"""Reading appointments, and which of their entries and reviews are due."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.conflicts import OwnEvent
from calguard_server.domain.intervals import Interval
from calguard_server.engine.ports.entries import DueEntry, DueReview
from calguard_server.engine.ports.filters import AppointmentFilter
from calguard_server.store import appointments
from calguard_server.store.rows.values import optional_time
from calguard_server.store.sqlite.base import Base


class AppointmentCalls(Base):
    """Appointments, their entries and reviews."""

    async def appointment(self, appointment_id: str) -> Appointment | None:
        """Read an appointment."""
        found = await self._readers.read(lambda connection: appointments.read_by_id(connection, [appointment_id]))
        return next(iter(found), None)

    async def appointments(
        self, chosen: AppointmentFilter, after: tuple[datetime, str], limit: int
    ) -> list[Appointment]:
        """List appointments."""
        return await self._readers.read(lambda connection: appointments.read_list(connection, chosen, after, limit))

    async def appointment_times(
        self, account_ids: Collection[str], window: Interval
    ) -> Mapping[str, Sequence[Interval]]:
        """Tell for which times that overlap a window accounts have appointments."""
        return await self._readers.read(lambda connection: appointments.read_times(connection, account_ids, window))

    async def own_events(self, account_id: str, window: Interval) -> list[OwnEvent]:
        """Tell where events of an account's entries may be within a window."""
        return await self._readers.read(lambda connection: appointments.read_own_events(connection, account_id, window))

    async def due_entries(self, now: datetime, limit: int, besides: Collection[str]) -> list[DueEntry]:
        """Name entries that are due."""
        named = list(besides)
        return await self._readers.read(lambda connection: appointments.due(connection, now, limit, named))

    async def next_entry_time(self) -> datetime | None:
        """Tell when the next entry is due."""
        row = await self._one("next_entry_time")
        return None if row is None else optional_time(row[0])

    async def due_reviews(self, now: datetime, limit: int, besides: Collection[str]) -> list[DueReview]:
        """Name accounts of which appointments are to be reviewed."""
        named = list(besides)
        return await self._readers.read(lambda connection: appointments.due_reviews(connection, now, limit, named))

    async def next_review_time(self) -> datetime | None:
        """Tell when the next review is due."""
        row = await self._one("next_review_time")
        return None if row is None else optional_time(row[0])
