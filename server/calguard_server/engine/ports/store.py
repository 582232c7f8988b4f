"""The durable state."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.conflicts import OwnEvent
from calguard_server.domain.conversation import Post
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.engine.ports.checks import CheckTimes, DueLink
from calguard_server.engine.ports.counts import StatusCounts, WorkCounts
from calguard_server.engine.ports.deliveries import ClaimedDelivery, DeliveryUpdate, IncidentOf
from calguard_server.engine.ports.entries import DueEntry, DueReview
from calguard_server.engine.ports.filters import AppointmentFilter, LinkFilter, NotificationFilter, PageFilter
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.log import LogEntry
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.ports.snapshot import Snapshot
from calguard_server.engine.requests import Answer
from calguard_server.engine.seeds import Seeds
from calguard_server.engine.working_set import Unit, WorkingSet

T = TypeVar("T")


class Store(Protocol):
    """The durable state. Reads see what was committed; every write is committed when its call returns."""

    store_id: str
    epoch: str

    async def transact(self, unit: Unit[T]) -> T:
        """Load what a unit of work needs, let it decide, and commit all that it changed, or nothing.

        Raises what the unit raises, and UnavailableError where it cannot be committed.
        """
        ...

    async def look(self, seeds: Seeds) -> WorkingSet:
        """Load what a unit of work would work on, as it stands at one revision; what is put there is not saved."""
        ...

    async def answer(self, request_id: str) -> Answer | None:
        """Read the answer of a request that was done before."""
        ...

    async def account(self, account_id: str) -> Account | None:
        """Read an account; None where there is none."""
        ...

    async def link(self, link_id: str) -> CalendarLink | None:
        """Read a link; None where there is none."""
        ...

    async def page(self, page_id: str) -> BookingPage | None:
        """Read a page; None where there is none."""
        ...

    async def appointment(self, appointment_id: str) -> Appointment | None:
        """Read an appointment; None where there is none."""
        ...

    async def appointments(
        self, chosen: AppointmentFilter, after: tuple[datetime, str], limit: int
    ) -> list[Appointment]:
        """List appointments in the order of their start times and ids, those after a start time and an id."""
        ...

    async def appointment_times(
        self, account_ids: Collection[str], window: Interval
    ) -> Mapping[str, Sequence[Interval]]:
        """Tell for which times that overlap a window accounts have appointments; who has none may be left out."""
        ...

    async def due_entries(self, now: datetime, limit: int, besides: Collection[str]) -> list[DueEntry]:
        """Name entries that are due, one an account, the longest due first; none of the accounts `besides`."""
        ...

    async def next_entry_time(self) -> datetime | None:
        """Tell when the next entry is due; None where none is."""
        ...

    async def due_reviews(self, now: datetime, limit: int, besides: Collection[str]) -> list[DueReview]:
        """Name accounts of which appointments are to be reviewed, the longest due first; none of those `besides`."""
        ...

    async def next_review_time(self) -> datetime | None:
        """Tell when the next review is due; None where none is."""
        ...

    async def own_events(self, account_id: str, window: Interval) -> list[OwnEvent]:
        """Tell where, and for which times that overlap a window, events of an account's entries may be."""
        ...

    async def notification(self, notification_id: str) -> Notification | None:
        """Read a notification; None where there is none."""
        ...

    async def provider_status(self) -> ProviderStatus | None:
        """Read the provider's status; None where it never had an incident."""
        ...

    async def slack_workspaces(self) -> list[tuple[SlackWorkspace, Secret | None]]:
        """Read every Slack workspace, in the order of ids, with its token; None: there is none, or no key opens it."""
        ...

    async def wake_held(self, workspace_id: str, now: datetime) -> None:
        """Have the deliveries that wait for a Slack workspace tried now."""
        ...

    async def slack_posts(self, incident_ids: Collection[str], recipient_account_id: str) -> dict[str, list[Post]]:
        """Read, of each of the incidents, the messages to a recipient that began a thread, oldest first."""
        ...

    async def slack_posts_over(self, limit: int) -> list[Post]:
        """Read messages that began a thread, are not marked as over, and told of nothing that is still open."""
        ...

    async def slack_posts_marked(self, message_ids: Collection[str]) -> None:
        """Note that messages are marked as over."""
        ...

    async def grant(self, link_id: str) -> Grant | None:
        """Answer a link's grant; None where none is stored. Raises GrantUnreadableError."""
        ...

    async def usable_grants(self, link_ids: Collection[str]) -> dict[str, Grant]:
        """Read the grants of those links that have one which a key opens."""
        ...

    async def links_with_grant_of(self, subject: str) -> list[str]:
        """Name the links, of whatever account, that hold a grant of a Google account, in the order of ids."""
        ...

    async def accounts(self, after: str, limit: int, within: Collection[str] = ()) -> list[Account]:
        """List accounts with ids after the one given, in the order of ids; so do `links` and `pages`.

        An empty `within` does not narrow.
        """
        ...

    async def accounts_by_id(self, ids: Collection[str]) -> dict[str, Account]:
        """Read the accounts that exist among the ids."""
        ...

    async def pages_by_id(self, ids: Collection[str]) -> dict[str, BookingPage]:
        """Read the pages that exist among the ids."""
        ...

    async def links(self, chosen: LinkFilter, after: str, limit: int) -> list[CalendarLink]:
        """List links with ids after the one given."""
        ...

    async def links_of_account(self, account_id: str) -> list[CalendarLink]:
        """List all links of an account."""
        ...

    async def pages(self, chosen: PageFilter, after: str, limit: int) -> list[BookingPage]:
        """List pages with ids after the one given."""
        ...

    async def notifications(self, chosen: NotificationFilter, before: int, limit: int) -> list[Notification]:
        """List notifications newest first, those with a sequence number below the one given (0: all)."""
        ...

    async def notifications_changed(self, chosen: NotificationFilter, after: int, limit: int) -> list[Notification]:
        """List notifications by their last change, those whose `changed` is above the one given."""
        ...

    async def last_notification_change(self) -> int:
        """Answer the greatest `changed` of all notifications; 0 where there are none."""
        ...

    async def oldest_unsent(self) -> dict[Channel, datetime]:
        """Tell since when the oldest notification waits that is still to be sent, by channel."""
        ...

    async def due_links(self, now: datetime, limit: int, besides: Collection[str], *, failing: bool) -> list[DueLink]:
        """Answer links whose check is due, the longest due first: those that fail just now, or all others."""
        ...

    async def count_scheduled(self, *, failing: bool) -> int:
        """Count the links that are to be checked: those that fail just now, or all others."""
        ...

    async def status_counts(self) -> StatusCounts:
        """Count links, pages and deliveries; the time that it takes hardly grows with those that are healthy."""
        ...

    async def work_counts(self) -> WorkCounts:
        """Count what waits, on indexes alone."""
        ...

    async def record_checks(self, times: Sequence[CheckTimes]) -> None:
        """Save the times of checks that changed nothing."""
        ...

    async def claim_deliveries(
        self, now: datetime, lease: timedelta, limits: Mapping[Channel, int]
    ) -> list[ClaimedDelivery]:
        """Claim deliveries that are due, whole groups of one recipient, channel and kind; mark them SENDING.

        `limits` is how many groups of a channel at most; those of other channels are left.
        """
        ...

    async def update_deliveries(self, updates: Sequence[DeliveryUpdate]) -> None:
        """Save how claimed deliveries go on."""
        ...

    async def release_deliveries(self, now: datetime) -> None:
        """Give back what a process that is gone had claimed; what came of that is not known."""
        ...

    async def next_delivery_time(self) -> datetime | None:
        """Tell when the next delivery is due; None where none is."""
        ...

    async def due_follow_ups(self, now: datetime, limit: int) -> list[IncidentOf]:
        """Name the open incidents that are to be followed up."""
        ...

    async def silences(self, now: datetime, after: str, limit: int) -> list[Silence]:
        """List the silences in force with ids after the one given."""
        ...

    async def prune(self, changes_before: datetime, requests_before: datetime, keep_revisions: int) -> int:
        """Drop old changes of the log, but for the latest ones, and old answers and attempts; answers how many."""
        ...

    async def prune_ledger(self, before: datetime, limit: int) -> int:
        """Drop notices decided before a time, with their attempts, and incidents that were over by then.

        Answers how many rows, `limit` of each at most. What may still be sent is kept, and so is all of an open
        incident: what it told is not told again.
        """
        ...

    async def probe(self) -> None:
        """Return once a change that changes nothing was committed. Raises UnavailableError `STORE_UNAVAILABLE`."""
        ...

    async def revision(self) -> int:
        """Answer the latest revision; 0 before the first change."""
        ...

    async def epoch_end(self, epoch: str) -> int | None:
        """Answer the last revision of an earlier run of a server on this store; None of one that is not known here."""
        ...

    async def oldest_revision(self) -> int:
        """Answer the oldest revision that the log still holds; one past the latest where it holds none."""
        ...

    async def log_after(self, revision: int, limit: int) -> list[LogEntry]:
        """Read the log after a revision, whole transactions only, about `limit` entries."""
        ...

    def snapshot(self) -> AbstractAsyncContextManager[Snapshot]:
        """Open the state as it stands now; it stays so until closed."""
        ...
