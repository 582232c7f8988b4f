"""Which accounts a caller may see and change, and what follows from that for all else.

1. What belongs to an account is seen by whom that account is in the scope of: the account, its links, notices to it.
2. A page is seen by whom its owner, or one of its members, is in the scope of: its state depends on that member. Only
   the owner's side changes it, and what is booked on it.
3. An appointment is seen by whoever sees its page, and by those whose account has it.
4. What is not seen is told apart from what does not exist by nobody.
"""

import hashlib
from collections.abc import Collection

from msgspec import Struct

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.page import BookingPage

NOBODY = frozenset({""})
"""Accounts of which there are none: no id is empty. An empty set narrows nothing."""

ACCOUNTS_MAX = 1_000
"""How many accounts a scope has at most."""


class Scope(Struct, frozen=True):
    """The accounts; None: all there are."""

    account_ids: frozenset[str] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for no account at all: what lists take for every account."""
        if self.account_ids is not None and not self.account_ids:
            raise ValueError("expected one account at least")

    @property
    def within(self) -> frozenset[str]:
        """The accounts for a list to keep to; empty where it leaves nothing out."""
        return self.account_ids or frozenset()

    @property
    def limited(self) -> bool:
        """Whether it leaves anything out."""
        return self.account_ids is not None

    @property
    def key(self) -> str:
        """What tells scopes apart: empty for the one that leaves nothing out."""
        if self.account_ids is None:
            return ""
        return hashlib.sha256(",".join(sorted(self.account_ids)).encode()).hexdigest()[:32]

    def has(self, account_id: str) -> bool:
        """Whether an account is in it."""
        return self.account_ids is None or account_id in self.account_ids

    def sees_page(self, page: BookingPage) -> bool:
        """Whether a page is seen."""
        return any(map(self.has, page.account_ids))

    def sees_appointment(self, appointment: Appointment, page: BookingPage | None) -> bool:
        """Whether an appointment is seen; `page` is its page, None where that was deleted."""
        return (page is not None and self.sees_page(page)) or any(map(self.has, appointment.account_ids))

    def narrow(self, account_ids: Collection[str]) -> frozenset[str]:
        """Answer those accounts of a filter that are in it, where an empty filter is all accounts."""
        asked = frozenset(account_ids)
        if self.account_ids is None:
            return asked
        return (asked & self.account_ids if asked else self.account_ids) or NOBODY


EVERYTHING = Scope()
"""Leaves nothing out."""
