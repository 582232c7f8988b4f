"""What a unit of work names of what it needs.

What is loaded for `Seeds`, by every store alike: the links, pages, attempts, notifications and requests named; for
each named link, and each of `page_accounts`, the pages that its account is a member of (for `page_accounts` also those
it owns); of all these pages the owner's and the members' accounts, the members' links and the open incident; the named
accounts, and for each named link its account, with their links; the open incidents of all these links; and all attempts
of each of `attempts_of`; with `silences`, all of these. The provider's status always is, once it ever had an incident.
Of appointments those named, and those for which accounts are to keep a time that overlaps one of `keeping`, with all of
their entries; of each page of `turns`, which `pages` names too, whose turn it is.
Of `slack_workspaces` and `slack_uses` the workspaces; of the latter also who names them, as it stood before the group.
"""

from datetime import datetime

from msgspec import Struct

from calguard_server.domain.intervals import Interval


class KeepingSeed(Struct, frozen=True):
    """Accounts, and a time for which they may have an appointment."""

    account_ids: tuple[str, ...]
    time: Interval


class TurnsSeed(Struct, frozen=True):
    """A page, and since when its assignments count."""

    page_id: str
    since: datetime


class Seeds(Struct, frozen=True):
    """What a unit of work names; see above for what is loaded with it."""

    links: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    page_accounts: tuple[str, ...] = ()
    attempts: tuple[str, ...] = ()
    attempts_of: tuple[str, ...] = ()
    notifications: tuple[str, ...] = ()
    slack_workspaces: tuple[str, ...] = ()
    slack_uses: tuple[str, ...] = ()
    silences: bool = False
    appointments: tuple[str, ...] = ()
    keeping: tuple[KeepingSeed, ...] = ()
    turns: tuple[TurnsSeed, ...] = ()
