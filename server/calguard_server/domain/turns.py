"""Whose turn it is on a page: how many of its appointments each member has, and when they were last assigned one.

What was assigned within a window of time counts, as long as it stands: neither what was cancelled nor what has gone to
somebody else. When a member was last assigned something, and who was last of all, stays so whatever became of it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct, field
from msgspec.structs import replace


class Turn(Struct, frozen=True):
    """A member's share."""

    assigned: int = 0
    last_assigned: datetime | None = None


class Turns(Struct, frozen=True):
    """A page's; who was never assigned anything may be missing. `last_account_id` is empty where nobody was."""

    by_account: Mapping[str, Turn] = field(default_factory=dict)
    last_account_id: str = ""

    def of(self, account_id: str) -> Turn:
        """Answer an account's share."""
        return self.by_account.get(account_id, Turn())

    def given(self, account_ids: Iterable[str], now: datetime) -> "Turns":
        """Count an appointment that was assigned."""
        counted, last = dict(self.by_account), self.last_account_id
        for last in account_ids:
            counted[last] = Turn(self.of(last).assigned + 1, now)
        return Turns(counted, last)

    def taken(self, account_ids: Iterable[str]) -> "Turns":
        """Take an appointment out of the count."""
        counted = dict(self.by_account)
        for account_id in account_ids:
            turn = self.of(account_id)
            counted[account_id] = replace(turn, assigned=max(0, turn.assigned - 1))
        return replace(self, by_account=counted)
