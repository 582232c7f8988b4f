"""The state as it stood at one revision."""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Protocol

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus


class Snapshot(Protocol):
    """The state as it stood at one revision."""

    @property
    def revision(self) -> int:
        """The revision."""
        ...

    def links(self, ids: Collection[str], account_ids: Collection[str]) -> AsyncIterator[list[CalendarLink]]:
        """Iterate over links in batches; empty collections do not narrow."""
        ...

    def pages(self, ids: Collection[str], account_ids: Collection[str]) -> AsyncIterator[list[BookingPage]]:
        """Iterate over pages in batches; empty collections do not narrow."""
        ...

    def appointments(
        self, page_ids: Collection[str], account_ids: Collection[str], now: datetime
    ) -> AsyncIterator[list[Appointment]]:
        """Iterate in batches over appointments that are assigned and not over; empty collections do not narrow.

        They are on one of the pages, and one of the accounts has them.
        """
        ...

    def provider_statuses(self) -> AsyncIterator[list[ProviderStatus]]:
        """Iterate over the status of every provider that ever had an incident."""
        ...
