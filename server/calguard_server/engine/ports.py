"""What the engine needs of the world: each port has, or will have, more than one adapter.

The clock and the provider have a fake in the tests; the store has SQLite now, and is kept free of it for others.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from msgspec import Struct

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment, AppointmentState, Attendee, EntryState
from calguard_server.domain.causes import CauseReason, Finding
from calguard_server.domain.conflicts import OwnEvent
from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Attempt, Delivery, DeliveryState
from calguard_server.domain.events import ResourceKind, WatchMode
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel
from calguard_server.domain.page import BookingPage, PagePhase, PageState
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackTeam, SlackWorkspace
from calguard_server.engine.working_set import Answer, Seeds, Unit, WorkingSet

T = TypeVar("T")


class Clock(Protocol):
    """Time, as far as anything here depends on it."""

    def now(self) -> datetime:
        """Answer the time, in UTC."""
        ...

    def timer(self) -> float:
        """Answer seconds that only grow, whatever happens to the time of day."""
        ...

    async def sleep(self, duration: timedelta) -> None:
        """Return when that much time has passed."""
        ...


NewId = Callable[[str], str]
"""Makes an id that was never made before, beginning with the given word: `NewId("link")`."""

Chance = Callable[[], float]
"""Answers a random number in [0, 1)."""


class ProviderFailureError(Exception):
    """The provider did not do what was asked; `finding` names why, as far as the answer showed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.reason)
        self.finding = finding

    @property
    def reason(self) -> CauseReason:
        """The reason of the finding."""
        return self.finding.reason


class EventIdTakenError(ProviderFailureError):
    """An event has that id which is not ours, or was deleted: the id can never be used again, another one can."""

    def __init__(self) -> None:
        super().__init__(Finding(CauseReason.PROVIDER_UNAVAILABLE))


class CodeRefusedError(Exception):
    """The provider did not accept an authorization code: it is spent, expired, or not for this attempt."""


class IdentityUnverifiedError(Exception):
    """The provider's identity token is missing, or does not verify.

    `subject` is whose the token says it is, where the provider signed that; `grant` what was given all the same.
    """

    def __init__(self, fault: str, *, subject: str = "", grant: "Grant | None" = None) -> None:
        super().__init__(fault)
        self.subject = subject
        self.grant = grant


class AuthorizationRequest(Struct, frozen=True):
    """What the consent page is asked. `code_challenge` is PKCE's S256."""

    state: str
    code_challenge: str
    redirect_uri: str
    login_hint: str


class Consent(Struct, frozen=True):
    """What the provider answered for an authorization code. `refresh_token` is None without offline access.

    `access_token` is good for ending such a grant, and is not kept.
    """

    subject: str
    email: str
    granted_scopes: tuple[str, ...]
    refresh_token: Secret | None
    access_token: Secret | None = None


class Grant(Struct, frozen=True):
    """What is kept of a consent; the scopes are those that were granted, `subject` is the Google account's."""

    refresh_token: Secret
    granted_scopes: tuple[str, ...]
    subject: str = ""


class GrantUnreadableError(Exception):
    """A grant is stored, but none of the keys opens it."""


class ProbeRequest(Struct, frozen=True):
    """What to probe: the calendars to read, the one to write (empty: none), and what the grant should permit."""

    calendar_link_id: str
    grant: Grant
    check_calendar_ids: tuple[str, ...]
    add_calendar_id: str


class Probe(Struct, frozen=True):
    """What a probe found; no findings means all is well. `granted_scopes` is set where the provider told them anew."""

    findings: tuple[Finding, ...]
    granted_scopes: tuple[str, ...] | None = None


class ProviderCalendar(Struct, frozen=True):
    """A calendar as the linked account shows it; `access_role` as Google names it."""

    id: str
    summary: str
    access_role: str
    primary: bool


class FreeEvents(Struct, frozen=True):
    """The events of one calendar that are marked Free, and so do not block.

    `more`: there are more events than are counted at once. `access_role` as Google names it.
    """

    count: int
    more: bool
    access_role: str


class BusyTimes(Struct, frozen=True):
    """When calendars are busy, by calendar, in order and apart from one another.

    `failed` are those that could not be read, and are in `busy` not at all.
    """

    busy: Mapping[str, tuple[Interval, ...]]
    failed: tuple[Finding, ...] = ()


class EntryDraft(Struct, frozen=True, kw_only=True):
    """An appointment as it is written to a calendar. The ids are those of the calendar and of the event."""

    calendar_id: str
    event_id: str
    title: str
    time: Interval
    time_zone: str
    attendees: tuple[Attendee, ...] = ()


class CalendarProvider(Protocol):
    """Google, as far as the engine needs it. Secrets go in and come out wrapped."""

    def authorization_url(self, request: AuthorizationRequest) -> str:
        """Build the address of the consent page: every scope, offline access, consent asked each time."""
        ...

    async def exchange(self, code: str, code_verifier: Secret, redirect_uri: str) -> Consent:
        """Exchange an authorization code and verify who consented.

        Raises CodeRefusedError, IdentityUnverifiedError, ProviderFailureError.
        """
        ...

    async def probe(self, request: ProbeRequest) -> Probe:
        """Check that a grant works for what it is used for; never raises for what the provider answers."""
        ...

    async def list_calendars(self, calendar_link_id: str, grant: Grant) -> Sequence[ProviderCalendar]:
        """List all calendars that the account shows. Raises ProviderFailureError."""
        ...

    async def refresh(self, calendar_link_id: str, grant: Grant) -> tuple[str, ...] | None:
        """Have a grant accepted anew, whatever is held; answers the scopes where they are told.

        Raises ProviderFailureError.
        """
        ...

    async def count_free_events(
        self, calendar_link_id: str, grant: Grant, calendar_id: str, start: datetime, end: datetime
    ) -> FreeEvents:
        """Count the events of a window that are marked Free, repeated ones each time. Raises ProviderFailureError."""
        ...

    def read_failure(self, http_status: int, body: str) -> CauseReason | None:
        """Name what an answer amounts to that somebody else got; None where it names no fault. Never raises.

        `http_status` is 0 where it is not known.
        """
        ...

    async def revoke(self, grant: Grant) -> bool:
        """Revoke a grant at the provider; True when it is revoked or was void already. Never raises for an answer."""
        ...

    def forget(self, calendar_link_id: str) -> None:
        """Drop what is cached for a link: its grant was replaced or ended."""
        ...


class SlackTokenRefusedError(Exception):
    """Slack does not accept a token; `code` is what it answered."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class SlackUnreachableError(Exception):
    """Slack gave no usable answer."""


class AppointmentCalendars(Protocol):
    """Google, as far as appointments need it."""

    async def busy_times(
        self, calendar_link_id: str, grant: Grant, calendar_ids: Sequence[str], window: Interval
    ) -> BusyTimes:
        """Ask when calendars are busy within a window. Raises ProviderFailureError where none could be asked."""
        ...

    async def add_entry(self, calendar_link_id: str, grant: Grant, draft: EntryDraft) -> None:
        """Write an event; ours that is there already is as good. Raises ProviderFailureError, EventIdTakenError."""
        ...

    async def remove_entry(self, calendar_link_id: str, grant: Grant, calendar_id: str, event_id: str) -> None:
        """Delete an event; one that is gone already is as good. Raises ProviderFailureError."""
        ...


class SlackVerifier(Protocol):
    """Slack, as far as telling whether a token is good for anything."""

    async def verify(self, token: Secret) -> SlackTeam:
        """Ask whose a token is, and what it permits. Raises SlackTokenRefusedError, SlackUnreachableError."""
        ...


class DueLink(Struct, frozen=True):
    """A link whose check is due, and its grant; None where none is stored, or no key opens it."""

    link: CalendarLink
    grant: Grant | None


class CheckTimes(Struct, frozen=True):
    """What a check that changed nothing leaves behind.

    Dropped where the link rests on other evidence by now, or was checked again since.
    """

    calendar_link_id: str
    evidence: int
    last_check_time: datetime
    next_check_time: datetime | None
    consecutive_failures: int
    failing_since: datetime | None
    quota_exhausted_since: datetime | None = None


class DeliveryUpdate(Struct, frozen=True):
    """How a claimed delivery goes on; dropped where it has been claimed anew, by the fence.

    `held_by` is the Slack workspace that it waits for; `posted` the message that it went out as, where that begins a
    thread; `gone` one that began a thread and is not there any more; `attempt` the try that led there, where there was
    one; `look_again` is when its incident is to be followed up.
    """

    delivery_id: str
    fence: int
    state: DeliveryState
    attempts: int
    next_attempt_time: datetime | None
    last_error: str = ""
    address: str = ""
    send_time: datetime | None = None
    message_id: str = ""
    doubtful: bool = False
    held_by: str = ""
    posted: Post | None = None
    gone: str = ""
    attempt: Attempt | None = None
    look_again: datetime | None = None


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


class LinkFilter(Struct, frozen=True):
    """Which links to list; empty parts do not narrow. `within` are the accounts that the caller may see."""

    account_id: str = ""
    states: frozenset[LinkState] = frozenset()
    within: frozenset[str] = frozenset()


class PageFilter(Struct, frozen=True):
    """Which pages to list; empty parts do not narrow. `account_id`, and one of `within`, is the owner or a member."""

    account_id: str = ""
    states: frozenset[PageState] = frozenset()
    within: frozenset[str] = frozenset()


class NotificationFilter(Struct, frozen=True):
    """Which notifications to list; empty parts do not narrow. `within` are recipients that the caller may see."""

    states: frozenset[DeliveryState] = frozenset()
    booking_page_id: str = ""
    account_id: str = ""
    within: frozenset[str] = frozenset()


class AppointmentFilter(Struct, frozen=True):
    """Which appointments to list; empty parts do not narrow.

    `account_id` has it; it ends after `start_time` and begins before `end_time`. One of `within` has it, or owns its
    page or is a member of it. `conflicts_only`: it stands, and something is known to be in its way.
    """

    booking_page_id: str = ""
    account_id: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None
    states: frozenset[AppointmentState] = frozenset()
    within: frozenset[str] = frozenset()
    conflicts_only: bool = False


class DueEntry(Struct, frozen=True):
    """An entry of an appointment in an account's calendar that is to be added, or removed, now."""

    appointment_id: str
    event_id: str
    account_id: str


class DueReview(Struct, frozen=True):
    """An account whose calendars are to be asked, and the appointments that they are asked about."""

    account_id: str
    appointment_ids: tuple[str, ...]


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


class StatusCounts(Struct, frozen=True):
    """What there is: every state of links and every phase of pages is named.

    `unsent` counts deliveries that are still to be made, the oldest of which was owed at `oldest_unsent_time`; `dead`
    those that were given up.
    """

    links: Mapping[LinkState, int]
    pages: Mapping[PagePhase, int]
    unsent: int
    oldest_unsent_time: datetime | None
    dead: int


class WorkCounts(Struct, frozen=True):
    """What waits to be done, or to pass: when the longest due check and entry of an appointment were due, if any is.

    `undone_entries` counts entries that could not be added or removed so far, `open_incidents` stopped pages and links
    that somebody was told of, or is to be.
    """

    oldest_due_check: datetime | None
    oldest_due_entry: datetime | None
    undone_entries: Mapping[EntryState, int]
    open_incidents: int


class ClaimedDelivery(Struct, frozen=True):
    """A delivery that is to be sent now, with what is needed to tell whether it is still true.

    `told`: what its incident owed the recipient by the channel before was, or may have been, received. `was_due` is
    when it was due by itself: later than now where it came along with another. `link` is set where it is about one.
    `silences` are those in force. `webhook_secret` is the recipient's where it goes by webhook and a key opens it.
    `appointment` is set where it is about one that there is.
    """

    delivery: Delivery
    page: BookingPage | None
    recipient: Account | None
    told: bool
    was_due: datetime
    link: CalendarLink | None = None
    silences: tuple[Silence, ...] = ()
    webhook_secret: Secret | None = None
    appointment: Appointment | None = None


class IncidentOf(Struct, frozen=True):
    """Whose incident: a page's, or a link's; the other is empty."""

    booking_page_id: str = ""
    calendar_link_id: str = ""


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


CommitListener = Callable[[Sequence[LogEntry]], None]
"""Told of the entries of each commit, after it and before its callers are answered.

One that raises ends the store: what it missed, it missed for good.
"""


class WatchSpec(Struct, frozen=True):
    """What a watcher asks for; empty collections do not narrow. See WatchRequest of the contract."""

    account_ids: frozenset[str] = frozenset()
    calendar_link_ids: frozenset[str] = frozenset()
    booking_page_ids: frozenset[str] = frozenset()
    kinds: frozenset[ResourceKind] = frozenset()
    resume_token: str = ""
    skip_snapshot: bool = False
    progress_interval: timedelta | None = None
    mode: WatchMode = WatchMode.EVERY
