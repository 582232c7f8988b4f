"""The log of changes."""

from collections.abc import Callable, Sequence

from msgspec import Struct


class LogEntry(Struct, frozen=True):
    """One change of the log: `encoded` is the whole change, encoded once; filters decide on the rest.

    `commit_revision` is the last revision of its transaction. `account_ids` are those whom the resource concerns after
    the change; where it was there before, `added_account_ids` and `removed_account_ids` are how they differ from then.
    `page_id` is set of an appointment: the page that it is on.
    """

    revision: int
    commit_revision: int
    kind: str
    resource_id: str
    account_ids: tuple[str, ...]
    encoded: bytes
    added_account_ids: tuple[str, ...] = ()
    removed_account_ids: tuple[str, ...] = ()
    page_id: str = ""


CommitListener = Callable[[Sequence[LogEntry]], None]
"""Told of the entries of each commit, after it and before its callers are answered.

One that raises ends the store: what it missed, it missed for good.
"""
