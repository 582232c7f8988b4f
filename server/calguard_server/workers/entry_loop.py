"""Adds appointments to calendars and removes them, and reviews what was assigned to faulty accounts.

A claim of an entry is saved before anything is sent; when the process dies meanwhile, the entry is due again when the
claim ends, and what is sent again is there once. A review that is not saved is due again at once.
"""

from calguard_server.engine.conflict_reviews import ConflictReviews
from calguard_server.engine.entries import Entries
from calguard_server.engine.ports.clock import Clock
from calguard_server.engine.ports.entries import DueEntry, DueReview
from calguard_server.engine.ports.store import Store
from calguard_server.workers.account_loop import AccountLoop, AccountLoopOptions, AccountQueue


class EntryLoop(AccountLoop[DueEntry]):
    """Works on entries in calendars."""

    def __init__(self, store: Store, entries: Entries, clock: Clock, options: AccountLoopOptions) -> None:
        queue = AccountQueue(store.next_entry_time, store.due_entries)
        super().__init__("appointment entries", queue, entries.work, clock, options)


class ReviewLoop(AccountLoop[DueReview]):
    """Works on reviews."""

    def __init__(self, store: Store, reviews: ConflictReviews, clock: Clock, options: AccountLoopOptions) -> None:
        queue = AccountQueue(store.next_review_time, store.due_reviews)
        super().__init__("appointment reviews", queue, reviews.work, clock, options)
