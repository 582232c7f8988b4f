"""Which entries and reviews of appointments are due."""

from msgspec import Struct


class DueEntry(Struct, frozen=True):
    """An entry of an appointment in an account's calendar that is to be added, or removed, now."""

    appointment_id: str
    event_id: str
    account_id: str


class DueReview(Struct, frozen=True):
    """An account whose calendars are to be asked, and the appointments that they are asked about."""

    account_id: str
    appointment_ids: tuple[str, ...]
