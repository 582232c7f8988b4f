"""The store on SQLite: one file, one process, one writer."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.conflicts import OwnEvent
from calguard_server.domain.conversation import Post
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import BookingPage, PagePhase, PageState
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.engine.ports import (
    AppointmentFilter,
    CheckTimes,
    ClaimedDelivery,
    Clock,
    CommitListener,
    DeliveryUpdate,
    DueEntry,
    DueLink,
    DueReview,
    Grant,
    GrantUnreadableError,
    IncidentOf,
    LinkFilter,
    LogEntry,
    NewId,
    Notification,
    NotificationFilter,
    PageFilter,
    Snapshot,
    StatusCounts,
    WorkCounts,
)
from calguard_server.engine.tracing import UNTRACED, Tracer
from calguard_server.engine.working_set import Answer, Seeds, Unit, WorkingSet
from calguard_server.store import appointments, checks, counts, deliveries, ledger, lock
from calguard_server.store.connection import Connect, connect
from calguard_server.store.errors import store_error
from calguard_server.store.flush import EncodeChange
from calguard_server.store.keys import admit_keys
from calguard_server.store.load import answer_of
from calguard_server.store.migrate import migrate
from calguard_server.store.queries import QUERIES
from calguard_server.store.readers import Readers
from calguard_server.store.rows import (
    Row,
    account_of,
    from_list,
    from_micros,
    link_of,
    optional_time,
    page_of,
    provider_status_of,
    silence_of,
    slack_workspace_of,
    to_micros,
)
from calguard_server.store.snapshot import look, open_snapshot
from calguard_server.store.vault import UnreadableError, Vault
from calguard_server.store.writer import CommitObserver, Writer, uncounted

T = TypeVar("T")

_READERS = 3
_SNAPSHOTS = 4


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Where the database is, what encrypts its secrets, how changes are encoded for subscribers, who connects.

    `observe` is told of each commit, `tracer` collects a span of it. `accept_lost_keys`: whether to go on where a key
    is missing under which secrets are stored.
    """

    path: Path
    vault: Vault
    encode: EncodeChange
    clock: Clock
    new_id: NewId
    connect: Connect = connect
    observe: CommitObserver = uncounted
    tracer: Tracer = UNTRACED
    accept_lost_keys: bool = False


class SqliteStore:
    """The durable state; see engine/ports.py for what each call means. Opened by `open_store`."""

    def __init__(
        self, identity: "_Identity", taken: IO[str], writer: Writer, readers: Readers, snapshots: Readers, vault: Vault
    ) -> None:
        self.store_id = identity.store_id
        self.epoch = identity.epoch
        self.writer = writer
        self._lock = taken
        self._readers = readers
        self._snapshots = snapshots
        self._vault = vault

    async def close(self) -> None:
        """Commit what waits, close every connection, and let others open the database."""
        await self.writer.close()
        await self._readers.close()
        await self._snapshots.close()
        self._lock.close()

    def listen(self, listener: CommitListener) -> None:
        """Have a listener told of each commit's changes."""
        self.writer.listen(listener)

    def listen_for_deliveries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit whose changes owe deliveries; an alert by itself is not hurried."""
        self.writer.listen_for_deliveries(listener)

    def listen_for_entries(self, listener: Callable[[], None]) -> None:
        """Have a listener told of each commit that may have made entries of appointments, or their reviews, due."""
        self.writer.listen_for_entries(listener)

    async def transact(self, unit: Unit[T]) -> T:
        """Do a unit of work."""
        return await self.writer.submit(unit)

    async def look(self, seeds: Seeds) -> WorkingSet:
        """Load what a unit of work would work on."""
        return await self._readers.read(lambda connection: look(connection, self._vault, seeds))

    async def answer(self, request_id: str) -> Answer | None:
        """Read the answer of a request that was done before."""
        row = await self._one("answers_by_request", json.dumps([request_id]))
        return None if row is None else answer_of(row, self._vault)

    async def account(self, account_id: str) -> Account | None:
        """Read an account."""
        return (await self.accounts_by_id([account_id])).get(account_id)

    async def link(self, link_id: str) -> CalendarLink | None:
        """Read a link."""
        row = await self._one("links_by_id", json.dumps([link_id]))
        return None if row is None else link_of(row)

    async def page(self, page_id: str) -> BookingPage | None:
        """Read a page."""
        return (await self.pages_by_id([page_id])).get(page_id)

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

    async def own_events(self, account_id: str, window: Interval) -> list[OwnEvent]:
        """Tell where events of an account's entries may be within a window."""
        return await self._readers.read(lambda connection: appointments.read_own_events(connection, account_id, window))

    async def notification(self, notification_id: str) -> Notification | None:
        """Read a notification."""
        found = await self._readers.read(lambda connection: ledger.read_by_id(connection, [notification_id]))
        return next(iter(found), None)

    async def provider_status(self) -> ProviderStatus | None:
        """Read the provider's status."""
        return next(iter(await self._all(provider_status_of, "provider_statuses")), None)

    async def slack_workspaces(self) -> list[tuple[SlackWorkspace, Secret | None]]:
        """Read every Slack workspace, with its token where it can be read."""
        return await self._all(self._slack_workspace_of, "slack_workspaces")

    def _slack_workspace_of(self, row: Row) -> tuple[SlackWorkspace, Secret | None]:
        *_, sealed = row
        token: Secret | None = None
        if sealed is not None:
            with suppress(UnreadableError):
                token = self._vault.open(sealed)
        return slack_workspace_of(row), token

    async def slack_posts(self, incident_ids: Collection[str], recipient_account_id: str) -> dict[str, list[Post]]:
        """Read the messages that began a thread about the incidents."""
        return await self._readers.read(
            lambda connection: deliveries.slack_posts(connection, incident_ids, recipient_account_id)
        )

    async def slack_posts_over(self, limit: int) -> list[Post]:
        """Read messages that are to be marked as over."""
        return await self._readers.read(lambda connection: deliveries.slack_posts_over(connection, limit))

    async def slack_posts_marked(self, message_ids: Collection[str]) -> None:
        """Note that messages are marked as over."""
        rows = [(message_id,) for message_id in message_ids]
        await self.writer.submit(lambda connection: connection.executemany(QUERIES["slack_post_marked"], rows))

    async def wake_held(self, workspace_id: str, now: datetime) -> None:
        """Have what waits for a Slack workspace tried now."""
        values = (workspace_id, to_micros(now))
        await self.writer.submit(lambda connection: connection.execute(QUERIES["wake_held"], values))

    async def grant(self, link_id: str) -> Grant | None:
        """Read a link's grant."""
        row = await self._one("grant_by_link", link_id)
        if row is None:
            return None
        try:
            return Grant(self._vault.open(row[0]), from_list(row[1]), row[2])
        except UnreadableError:
            raise GrantUnreadableError from None

    async def usable_grants(self, link_ids: Collection[str]) -> dict[str, Grant]:
        """Read the grants that can be read."""
        named = json.dumps(list(link_ids))
        return await self._readers.read(lambda connection: _usable_grants(connection, self._vault, named))

    async def links_with_grant_of(self, subject: str) -> list[str]:
        """Name the links that hold a grant of a Google account."""
        return await self._all(_first, "links_with_grant_of", subject)

    async def accounts(self, after: str, limit: int, within: Collection[str] = ()) -> list[Account]:
        """List accounts."""
        return await self._all(account_of, "accounts_after", after, limit, json.dumps(sorted(within)))

    async def accounts_by_id(self, ids: Collection[str]) -> dict[str, Account]:
        """Read the accounts that exist among the ids."""
        found = await self._all(account_of, "accounts_by_id", json.dumps(list(ids)))
        return {account.id: account for account in found}

    async def pages_by_id(self, ids: Collection[str]) -> dict[str, BookingPage]:
        """Read the pages that exist among the ids."""
        return {page.id: page for page in await self._all(page_of, "pages_by_id", json.dumps(list(ids)))}

    async def links(self, chosen: LinkFilter, after: str, limit: int) -> list[CalendarLink]:
        """List links."""
        states = json.dumps(sorted(chosen.states))
        return await self._all(link_of, "links_after", after, limit, chosen.account_id, states, _within(chosen))

    async def links_of_account(self, account_id: str) -> list[CalendarLink]:
        """List all links of an account."""
        return await self._all(link_of, "links_by_account", json.dumps([account_id]))

    async def pages(self, chosen: PageFilter, after: str, limit: int) -> list[BookingPage]:
        """List pages."""
        phases = json.dumps(_phases_of(chosen.states))
        return await self._all(page_of, "pages_after", after, limit, chosen.account_id, phases, _within(chosen))

    async def notifications(self, chosen: NotificationFilter, before: int, limit: int) -> list[Notification]:
        """List notifications, newest first."""
        return await self._readers.read(
            lambda connection: ledger.read_list(connection, "notifications_before", chosen, before, limit)
        )

    async def notifications_changed(self, chosen: NotificationFilter, after: int, limit: int) -> list[Notification]:
        """List notifications by their last change."""
        return await self._readers.read(
            lambda connection: ledger.read_list(connection, "notifications_changed_after", chosen, after, limit)
        )

    async def last_notification_change(self) -> int:
        """Answer where the order of changes ends."""
        row = await self._one("last_change_of_deliveries")
        return 0 if row is None else int(row[0])

    async def oldest_unsent(self) -> dict[Channel, datetime]:
        """Tell since when the oldest notification waits, by channel."""
        rows = await self._all(tuple, "oldest_unsent")
        return {Channel(channel): from_micros(since) for channel, since in rows}

    async def due_links(self, now: datetime, limit: int, besides: Collection[str], *, failing: bool) -> list[DueLink]:
        """Answer links whose check is due."""
        query, named = "due_failing_links" if failing else "due_links", list(besides)
        return await self._readers.read(
            lambda connection: checks.due_links(connection, self._vault, query, now, limit, named)
        )

    async def count_scheduled(self, *, failing: bool) -> int:
        """Count the links that are to be checked."""
        row = await self._one("count_scheduled_failing" if failing else "count_scheduled")
        return 0 if row is None else int(row[0])

    async def status_counts(self) -> StatusCounts:
        """Count links, pages and deliveries."""
        return await self._readers.read(counts.count)

    async def work_counts(self) -> WorkCounts:
        """Count what waits."""
        return await self._readers.read(counts.count_work)

    async def record_checks(self, times: Sequence[CheckTimes]) -> None:
        """Save the times of checks that changed nothing."""
        await self.writer.submit(lambda connection: checks.record_checks(connection, times))

    async def claim_deliveries(
        self, now: datetime, lease: timedelta, limits: Mapping[Channel, int]
    ) -> list[ClaimedDelivery]:
        """Claim deliveries that are due."""
        return await self.writer.submit(
            lambda connection: deliveries.claim(connection, self._vault, now, lease, limits)
        )

    async def update_deliveries(self, updates: Sequence[DeliveryUpdate]) -> None:
        """Save how claimed deliveries go on."""
        await self.writer.submit(lambda connection: deliveries.update(connection, updates))

    async def release_deliveries(self, now: datetime) -> None:
        """Give back what a process that is gone had claimed."""
        await self.writer.submit(lambda connection: deliveries.release(connection, now))

    async def next_delivery_time(self) -> datetime | None:
        """Tell when the next delivery is due."""
        row = await self._one("next_delivery_time")
        return None if row is None else optional_time(row[0])

    async def due_follow_ups(self, now: datetime, limit: int) -> list[IncidentOf]:
        """Name the open incidents that are to be followed up."""
        return await self._all(lambda row: IncidentOf(*row), "due_follow_ups", to_micros(now), limit)

    async def silences(self, now: datetime, after: str, limit: int) -> list[Silence]:
        """List the silences in force."""
        return await self._all(silence_of, "silences_after", to_micros(now), after, limit)

    async def prune(self, changes_before: datetime, requests_before: datetime, keep_revisions: int) -> int:
        """Drop what is past keeping."""
        return await self.writer.submit(_pruning(changes_before, requests_before, keep_revisions))

    async def prune_ledger(self, before: datetime, limit: int) -> int:
        """Drop what is past keeping of the ledger."""
        return await self.writer.submit(lambda connection: deliveries.prune(connection, before, limit))

    async def probe(self) -> None:
        """Commit nothing."""
        await self.writer.submit(_nothing)

    async def bring_forward(self, now: datetime, latest: datetime) -> None:
        """Have done now what is put off beyond a time: by a clock that was ahead."""
        values = (to_micros(now), to_micros(latest))

        def update(connection: sqlite3.Connection) -> None:
            for query in _BROUGHT_FORWARD:
                connection.execute(QUERIES[query], values)

        await self.writer.submit(update)

    async def revision(self) -> int:
        """Answer the latest revision."""
        return self.writer.revision

    async def epoch_end(self, epoch: str) -> int | None:
        """Answer the last revision of an earlier run; None of one that is unknown, or goes on."""
        row = await self._one("epoch_end", epoch)
        return None if row is None or row[0] is None else int(row[0])

    async def oldest_revision(self) -> int:
        """Answer the oldest revision that the log still holds."""
        row = await self._one("oldest_revision")
        return self.writer.revision + 1 if row is None or row[0] is None else int(row[0])

    async def log_after(self, revision: int, limit: int) -> list[LogEntry]:
        """Read the log after a revision, whole transactions only."""
        return await self._readers.read(lambda connection: _log_after(connection, revision, limit))

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the state as it stands now."""
        return open_snapshot(self._snapshots)

    async def _one(self, query: str, *values: object) -> Row | None:
        row: Row | None = await self._readers.read(
            lambda connection: connection.execute(QUERIES[query], values).fetchone()
        )
        return row

    async def _all(self, object_of: Callable[[Row], T], query: str, *values: object) -> list[T]:
        return await self._readers.read(
            lambda connection: [object_of(row) for row in connection.execute(QUERIES[query], values)]
        )


def _nothing(_connection: sqlite3.Connection) -> None:
    """Change nothing."""


async def open_store(options: StoreOptions) -> SqliteStore:
    """Open the database, bringing its schema up to date.

    Raises StoreError, whose text says what to do, where it is newer than this program, not writable, or in use.
    """
    taken = lock.take(options.path)
    try:
        return await _open(options, taken)
    except sqlite3.Error as error:
        taken.close()
        raise store_error(options.path, error) from error
    except BaseException:
        taken.close()
        raise


async def _open(options: StoreOptions, taken: IO[str]) -> SqliteStore:
    connection = await options.connect(options.path, writer=True)
    try:
        identity = await connection.run(lambda raw: _prepare(raw, options))
    except BaseException:
        await connection.close()
        raise
    writer = Writer(
        connection,
        options.path,
        options.vault,
        options.encode,
        options.clock,
        identity.revision,
        options.observe,
        options.tracer,
    )
    readers = await Readers.open(options.path, _READERS, options.connect)
    snapshots = await Readers.open(options.path, _SNAPSHOTS, options.connect)
    return SqliteStore(identity, taken, writer, readers, snapshots, options.vault)


class _Identity(NamedTuple):
    store_id: str
    epoch: str
    revision: int


def _prepare(connection: sqlite3.Connection, options: StoreOptions) -> _Identity:
    """Migrate, see that the file can be written, and read which store it is and where its log ends."""
    migrate(connection)
    connection.execute("BEGIN IMMEDIATE")
    admit_keys(connection, options.vault, accept_lost=options.accept_lost_keys)
    row = connection.execute(QUERIES["read_meta"], ("store_id",)).fetchone()
    store_id = row[0] if row else options.new_id("store")
    connection.execute(QUERIES["write_meta"], ("store_id", store_id))
    revision, epoch = int(connection.execute(QUERIES["latest_revision"]).fetchone()[0]), secrets.token_hex(8)
    connection.execute(QUERIES["begin_epoch"], (epoch, revision))
    connection.execute("COMMIT")
    return _Identity(store_id, epoch, revision)


def _usable_grants(connection: sqlite3.Connection, vault: Vault, named: str) -> dict[str, Grant]:
    found = {}
    for link_id, sealed, scopes, subject in connection.execute(QUERIES["grants_by_links"], (named,)):
        with suppress(UnreadableError):
            found[link_id] = Grant(vault.open(sealed), from_list(scopes), subject)
    return found


def _within(chosen: LinkFilter | PageFilter) -> str:
    return json.dumps(sorted(chosen.within))


def _first(row: Row) -> str:
    return str(row[0])


def _phases_of(states: frozenset[PageState]) -> list[str]:
    stopped = (PagePhase.STOPPED_BY_RULE, PagePhase.STOPPED_BY_OWNER, PagePhase.STOPPED_BY_BOTH)
    phases: list[str] = [state.value for state in states if state is not PageState.STOPPED]
    return phases + [phase.value for phase in stopped if PageState.STOPPED in states]


def _log_after(connection: sqlite3.Connection, revision: int, limit: int) -> list[LogEntry]:
    rows = connection.execute(QUERIES["log_after"], (revision, limit)).fetchall()
    if rows and rows[-1][0] != rows[-1][1]:
        rows += connection.execute(QUERIES["log_between"], (rows[-1][0], rows[-1][1])).fetchall()
    return list(map(_log_entry_of, rows))


def _log_entry_of(row: Row) -> LogEntry:
    revision, commit_revision, kind, resource_id, account_ids, encoded, added, removed, page_id = row
    accounts = from_list(account_ids)
    return LogEntry(
        revision, commit_revision, kind, resource_id, accounts, encoded, from_list(added), from_list(removed), page_id
    )


_BROUGHT_FORWARD = (
    "checks_brought_forward",
    "failing_checks_brought_forward",
    "deliveries_brought_forward",
    "entries_brought_forward",
    "reviews_brought_forward",
)


def _pruning(
    changes_before: datetime, requests_before: datetime, keep_revisions: int
) -> Callable[[sqlite3.Connection], int]:
    def prune(connection: sqlite3.Connection) -> int:
        latest = int(connection.execute(QUERIES["latest_revision"]).fetchone()[0])
        connection.execute(QUERIES["remember_pruned"], (str(latest),))
        horizon = (to_micros(changes_before), latest - keep_revisions)
        dropped = connection.execute(QUERIES["prune_events"], horizon).rowcount
        dropped += connection.execute(QUERIES["prune_answers"], (to_micros(requests_before),)).rowcount
        dropped += connection.execute(QUERIES["prune_attempts"], (to_micros(requests_before),)).rowcount
        dropped += connection.execute(QUERIES["prune_slack_posts"], (to_micros(requests_before),)).rowcount
        return dropped

    return prune
