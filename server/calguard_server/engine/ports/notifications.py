"""Notices, as the ledger has them."""

from msgspec import Struct

from calguard_server.domain.delivery import Attempt, Delivery


class Notification(Struct, frozen=True):
    """A delivery with all pages that its message was about, and the other deliveries of that message.

    `sequence` grows with each that is decided, `changed` with each change of any. `attempts` is empty in lists.
    """

    sequence: int
    delivery: Delivery
    booking_page_ids: tuple[str, ...]
    changed: int = 0
    grouped_ids: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
