"""What a transaction works on: the rows that its units of work need, and all that they changed.

1. A store loads the working set for a whole group of units at once, runs them one after the other on it, and writes
   what changed in one commit. So many units share one commit, and each sees what those before it did.
2. A unit that raises leaves no trace: whatever it put is taken back.
3. Revisions are given as changes are appended, one after the other, so that the log has no holes.

What is loaded for `Seeds`, by every store alike: the links, pages, attempts, notifications and requests named; for
each named link, and each of `page_accounts`, the pages that its account is a member of (for `page_accounts` also those
it owns); of all these pages the owner's and the members' accounts, the members' links and the open incident; the named
accounts, and for each named link its account, with their links; the open incidents of all these links; and all attempts
of each of `attempts_of`; with `silences`, all of these. The provider's status always is, once it ever had an incident.
Of appointments those named, and those for which accounts are to keep a time that overlaps one of `keeping`, with all of
their entries; of each page of `turns`, which `pages` names too, whose turn it is.
Of `slack_workspaces` and `slack_uses` the workspaces; of the latter also who names them, as it stood before the group.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment, AppointmentState, Assignee, Entry
from calguard_server.domain.delivery import Delivery
from calguard_server.domain.errors import InvalidArgumentError
from calguard_server.domain.events import Change
from calguard_server.domain.incident import Incident
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import GOOGLE, ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.domain.turns import Turns

if TYPE_CHECKING:
    from calguard_server.engine.ports import Grant, Notification, Store

T = TypeVar("T")


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


class SlackUses(Struct):
    """The accounts and pages whose Slack address names a workspace."""

    account_ids: set[str] = msgspec.field(default_factory=set)
    page_ids: set[str] = msgspec.field(default_factory=set)


class Request(Struct, frozen=True):
    """A call that may be repeated: `fingerprint` tells whether it is the same call, `encode` keeps its answer."""

    id: str
    fingerprint: str
    encode: Callable[[Any], bytes]


class ReplayedError(Exception):
    """The request was done before: here is what it answered then."""

    def __init__(self, answer: bytes) -> None:
        super().__init__("the request was done before")
        self.answer = answer


class Unit(Struct, Generic[T], frozen=True):
    """A unit of work: what it needs, and the synchronous decision on it."""

    seeds: Seeds
    decide: Callable[["WorkingSet"], T]
    request: Request | None = None


class LinkAttempt(Struct, frozen=True, kw_only=True):
    """A begun linking: found by a digest of its `state`, good once and until `expire_time`.

    `calendar_link_id` is empty for a new link. `code_verifier` is PKCE's. `superseded`: the link that it names was
    ended after it began, or its account was deleted. `ended_subjects`: the Google accounts of its account's other
    links that were ended after it began.
    """

    digest: str
    account_id: str
    calendar_link_id: str
    code_verifier: Secret
    redirect_uri: str
    select_primary: bool
    allow_account_change: bool
    create_time: datetime
    expire_time: datetime
    used: bool = False
    superseded: bool = False
    ended_subjects: tuple[str, ...] = ()


class Answer(Struct, frozen=True):
    """The kept answer of a request."""

    fingerprint: str
    encoded: bytes


class EntryPlace(Struct, frozen=True):
    """An entry, and how its account stands to the appointment; `place` is None for who had it before.

    `faulty` and `assign_time` are of no account for an entry that was saved before.
    """

    entry: Entry
    appointment: Appointment
    place: int | None
    standing: bool
    faulty: bool
    assign_time: datetime


class ReviewStep(Struct, frozen=True):
    """What becomes of a review that was due: it is over, tried `again` later, or left to the next recovery."""

    again: datetime | None = None
    until_recovery: bool = False


_Table = dict[str, Any]


@dataclass(slots=True)
class WorkingSet:
    """The rows of one commit. `revision` is the latest; an id maps to None where there is, or is to be, no row.

    `dirty` names the rows that were put, by table; `members_changed` the pages whose members are to be indexed anew;
    `unit_starts` the revisions with which a unit's changes began; `entries` those of appointments that changed, in the
    order in which they first did; `woken` the accounts whose entries are to be tried at once, `recovered` those whose
    calendars can be read again; `reviews` what becomes of reviews, by account and appointment.
    """

    revision: int
    accounts: dict[str, Account | None] = field(default_factory=dict)
    links: dict[str, CalendarLink | None] = field(default_factory=dict)
    pages: dict[str, BookingPage | None] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    attempts: dict[str, LinkAttempt] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    grants: dict[str, "Grant | None"] = field(default_factory=dict)
    provider_statuses: dict[str, ProviderStatus] = field(default_factory=dict)
    slack_workspaces: dict[str, SlackWorkspace | None] = field(default_factory=dict)
    slack_tokens: dict[str, Secret | None] = field(default_factory=dict)
    slack_uses: dict[str, SlackUses] = field(default_factory=dict)
    webhook_secrets: dict[str, Secret | None] = field(default_factory=dict)
    notifications: dict[str, "Notification"] = field(default_factory=dict)
    silences: dict[str, Silence | None] = field(default_factory=dict)
    appointments: dict[str, Appointment | None] = field(default_factory=dict)
    entries: dict[str, EntryPlace] = field(default_factory=dict)
    turns: dict[str, Turns] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    recovered: set[str] = field(default_factory=set)
    reviews: dict[tuple[str, str], ReviewStep] = field(default_factory=dict)
    appointments_of: dict[str, set[str]] = field(default_factory=dict)
    links_of: dict[str, set[str]] = field(default_factory=dict)
    pages_of: dict[str, set[str]] = field(default_factory=dict)
    incident_of: dict[tuple[str, str], str] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    dirty: dict[str, set[str]] = field(default_factory=dict)
    members_changed: set[str] = field(default_factory=set)
    unit_starts: set[int] = field(default_factory=set)
    _journal: list[Callable[[], object]] = field(default_factory=list)

    def run(self, unit: Unit[T]) -> T:
        """Run a unit; when it raises, all that it put is taken back. Raises ReplayedError for a repeated request."""
        if unit.request is not None:
            refuse_replay(unit.request, self.answers.get(unit.request.id))
        self._journal.clear()
        self.unit_starts.add(self.revision + 1)
        try:
            result = unit.decide(self)
            if unit.request is not None:
                self.put_answer(unit.request, result)
        except BaseException:
            self._roll_back()
            raise
        return result

    @property
    def next_revision(self) -> int:
        """The revision of the next change."""
        return self.revision + 1

    def append_change(self, change: Change) -> None:
        """Append a change to the log; raises ValueError unless it has the next revision."""
        if change.revision != self.next_revision:
            raise ValueError(f"the next revision is {self.next_revision}, not {change.revision}")
        self.revision = change.revision
        self.changes.append(change)
        self._journal.append(self._drop_last_change)

    def append_delivery(self, delivery: Delivery) -> None:
        """Insert a delivery, and let its incident know of it."""
        self.deliveries.append(delivery)
        self._journal.append(self.deliveries.pop)

    def put_account(self, account: Account) -> None:
        """Save an account."""
        self._put("accounts", self.accounts, account.id, account)

    def delete_account(self, account_id: str) -> None:
        """Delete an account with the secret of its webhooks."""
        self._put("accounts", self.accounts, account_id, None)
        self.put_webhook_secret(account_id, None)

    def put_webhook_secret(self, account_id: str, secret: Secret | None) -> None:
        """Save the secret that signs an account's webhooks, or forget it."""
        self._put("webhook_secrets", self.webhook_secrets, account_id, secret)

    def put_link(self, link: CalendarLink) -> None:
        """Save a link."""
        self._index(self.links_of, link.account_id, link.id)
        self._put("links", self.links, link.id, link)

    def delete_link(self, link_id: str) -> None:
        """Delete a link with its grant."""
        self._put("links", self.links, link_id, None)
        self.put_grant(link_id, None)

    def put_page(self, page: BookingPage) -> None:
        """Save a page with its members."""
        before = self.pages.get(page.id)
        if before is None or before.members != page.members:
            self.members_changed.add(page.id)
        for member in page.members:
            self._index(self.pages_of, member.account_id, page.id)
        self._put("pages", self.pages, page.id, page)

    def delete_page(self, page_id: str) -> None:
        """Delete a page with its members."""
        self.members_changed.add(page_id)
        self._put("pages", self.pages, page_id, None)

    @property
    def provider_status(self) -> ProviderStatus | None:
        """The provider's status; None where it never had an incident."""
        return self.provider_statuses.get(GOOGLE)

    def put_provider_status(self, status: ProviderStatus) -> None:
        """Save the provider's status."""
        self._put("provider_statuses", self.provider_statuses, status.id, status)

    def put_grant(self, link_id: str, grant: "Grant | None") -> None:
        """Save a link's grant, or forget it."""
        self._put("grants", self.grants, link_id, grant)

    def put_slack_workspace(self, workspace: SlackWorkspace) -> None:
        """Save a Slack workspace."""
        self._put("slack_workspaces", self.slack_workspaces, workspace.id, workspace)

    def put_slack_token(self, workspace_id: str, token: Secret) -> None:
        """Save a Slack workspace's token."""
        self._put("slack_tokens", self.slack_tokens, workspace_id, token)

    def delete_slack_workspace(self, workspace_id: str) -> None:
        """Delete a Slack workspace with its token."""
        self._put("slack_workspaces", self.slack_workspaces, workspace_id, None)
        self._put("slack_tokens", self.slack_tokens, workspace_id, None)

    def put_attempt(self, attempt: LinkAttempt) -> None:
        """Save an attempt at linking."""
        self._put("attempts", self.attempts, attempt.digest, attempt)

    def put_notification(self, notification: "Notification") -> None:
        """Save what a person decided of a notification: its state, and when it is tried next."""
        self._put("notifications", self.notifications, notification.delivery.id, notification)

    def put_silence(self, silence: Silence) -> None:
        """Save a silence."""
        self._put("silences", self.silences, silence.id, silence)

    def delete_silence(self, silence_id: str) -> None:
        """Delete a silence; incidents of which something was silenced are looked at again."""
        self._put("silences", self.silences, silence_id, None)

    def put_answer(self, request: Request, result: object) -> None:
        """Keep what a repeated request is answered, in place of what was kept for it before."""
        answer = Answer(request.fingerprint, request.encode(result))
        self._put("answers", self.answers, request.id, answer)

    def put_incident(self, incident: Incident) -> None:
        """Save an incident; one that is closed stays until the commit."""
        whose = (incident.booking_page_id, incident.calendar_link_id)
        before = self.incident_of.get(whose, "")
        self._journal.append(lambda: self.incident_of.__setitem__(whose, before))
        self.incident_of[whose] = incident.id if incident.close_time is None else ""
        self._put("incidents", self.incidents, incident.id, incident)

    def put_appointment(self, appointment: Appointment) -> None:
        """Save an appointment with its entries, and keep count of whose turn it is on its page."""
        before = self.appointments.get(appointment.id)
        places = {} if before is None else entry_places(before)
        for event_id, place in entry_places(appointment).items():
            known = places.get(event_id)
            if known is None or _differ(known, place):
                self._put_entry(event_id, place)
        for account_id in appointment.account_ids:
            self._index(self.appointments_of, account_id, appointment.id)
        self._put("appointments", self.appointments, appointment.id, appointment)
        self._count(before, appointment)

    def _put_entry(self, event_id: str, place: EntryPlace) -> None:
        known = self.entries.get(event_id)
        if known is not None:
            place = replace(place, faulty=known.faulty, assign_time=known.assign_time)
        self._put("entries", self.entries, event_id, place)

    def _count(self, before: Appointment | None, after: Appointment) -> None:
        turns = self.turns.get(after.booking_page_id)
        if turns is None:
            return
        had = set() if before is None else {each for each in before.account_ids if before.stands_for(each)}
        keep = [each for each in after.account_ids if after.stands_for(each)]
        turns = turns.taken(had.difference(keep))
        given = [each for each in after.assignees if each.account_id in keep and each.account_id not in had]
        if given:
            turns = turns.given([each.account_id for each in given], given[0].assign_time)
        self._put("turns", self.turns, after.booking_page_id, turns)

    def keeps(self, account_id: str, time: Interval, besides: str = "") -> bool:
        """Whether an account has another appointment at a time than the one named."""
        found = (self.appointments.get(each) for each in self.appointments_of.get(account_id, ()) if each != besides)
        return any(each is not None and each.stands_for(account_id) and each.time.overlaps(time) for each in found)

    def wake_entries(self, account_id: str) -> None:
        """Have what could not be added to, or removed from, an account's calendars tried at once."""
        if account_id not in self.woken:
            self.woken.add(account_id)
            self._journal.append(lambda: self.woken.discard(account_id))

    def review_appointments(self, account_id: str) -> None:
        """Have an account's appointments reviewed that were assigned while it was faulty."""
        if account_id not in self.recovered:
            self.recovered.add(account_id)
            self._journal.append(lambda: self.recovered.discard(account_id))

    def put_review(self, account_id: str, appointment_id: str, step: ReviewStep) -> None:
        """Save what becomes of a review that was due."""
        key, before = (account_id, appointment_id), self.reviews.get((account_id, appointment_id))
        self.reviews[key] = step
        undo = (lambda: self.reviews.pop(key)) if before is None else (lambda: self.reviews.update({key: before}))
        self._journal.append(undo)

    def links_of_account(self, account_id: str) -> list[CalendarLink]:
        """Answer an account's links, in the order of ids."""
        ids = sorted(self.links_of.get(account_id, ()))
        return [link for each in ids if (link := self.links.get(each)) is not None]

    def attempts_of_account(self, account_id: str) -> list[LinkAttempt]:
        """Answer an account's attempts at linking, used and expired ones included."""
        return [attempt for attempt in self.attempts.values() if attempt.account_id == account_id]

    def pages_with_member(self, account_id: str) -> list[BookingPage]:
        """Answer the pages that an account is a member of, in the order of ids."""
        ids = sorted(self.pages_of.get(account_id, ()))
        pages = (self.pages.get(each) for each in ids)
        return [page for page in pages if page is not None and _has_member(page, account_id)]

    def open_incident(self, page_id: str) -> Incident | None:
        """Answer a page's open incident."""
        return self.incidents.get(self.incident_of.get((page_id, ""), ""))

    def open_link_incident(self, link_id: str) -> Incident | None:
        """Answer a link's open incident."""
        return self.incidents.get(self.incident_of.get(("", link_id), ""))

    def index_appointments(self, appointments: Iterable[Appointment]) -> None:
        """Take in appointments that a store loaded."""
        for appointment in appointments:
            self.appointments[appointment.id] = appointment
            for account_id in appointment.account_ids:
                self.appointments_of.setdefault(account_id, set()).add(appointment.id)

    def index_links(self, links: Iterable[CalendarLink]) -> None:
        """Take in links that a store loaded."""
        for link in links:
            self.links[link.id] = link
            self.links_of.setdefault(link.account_id, set()).add(link.id)

    def index_pages(self, pages: Iterable[BookingPage]) -> None:
        """Take in pages that a store loaded."""
        for page in pages:
            self.pages[page.id] = page
            for member in page.members:
                self.pages_of.setdefault(member.account_id, set()).add(page.id)

    def index_incidents(self, incidents: Iterable[Incident]) -> None:
        """Take in open incidents that a store loaded."""
        for incident in incidents:
            self.incidents[incident.id] = incident
            self.incident_of[incident.booking_page_id, incident.calendar_link_id] = incident.id

    def _put(self, name: str, table: _Table, key: str, value: object) -> None:
        known, before = key in table, table.get(key)
        dirty = self.dirty.setdefault(name, set())
        if key not in dirty:
            dirty.add(key)
            self._journal.append(lambda: dirty.discard(key))
        table[key] = value
        if known:
            self._journal.append(lambda: table.__setitem__(key, before))
        else:
            self._journal.append(lambda: table.pop(key))

    def _index(self, index: dict[str, set[str]], account_id: str, key: str) -> None:
        keys = index.setdefault(account_id, set())
        if key not in keys:
            keys.add(key)
            self._journal.append(lambda: keys.discard(key))

    def _drop_last_change(self) -> None:
        self.changes.pop()
        self.revision -= 1

    def _roll_back(self) -> None:
        while self._journal:
            self._journal.pop()()


def refuse_replay(request: Request, answer: Answer | None) -> None:
    """Raise ReplayedError where a request was answered before; refuse an id that was used for another request."""
    if answer is None:
        return
    if answer.fingerprint != request.fingerprint:
        raise InvalidArgumentError.of_field("REQUEST_ID_REUSED", "request_id", "was used for another request before")
    raise ReplayedError(answer.encoded)


async def refuse_replay_of(store: "Store", request: Request | None) -> None:
    """Raise ReplayedError for a request that was done before, ahead of work that is not in its transaction."""
    if request is not None:
        refuse_replay(request, await store.answer(request.id))


def entry_places(appointment: Appointment) -> dict[str, EntryPlace]:
    """Answer the entries of an appointment by their ids, of those who have it and of those who had it."""
    holders = enumerate(appointment.assignees)
    places = {each.entry.event_id: _held(appointment, place, each) for place, each in holders}
    return places | {entry.event_id: _left(appointment, entry) for entry in appointment.former}


def _held(appointment: Appointment, place: int, assignee: Assignee) -> EntryPlace:
    standing = appointment.state is AppointmentState.ASSIGNED
    return EntryPlace(assignee.entry, appointment, place, standing, assignee.faulty, assignee.assign_time)


def _left(appointment: Appointment, entry: Entry) -> EntryPlace:
    return EntryPlace(entry, appointment, None, standing=False, faulty=False, assign_time=appointment.create_time)


def _differ(one: EntryPlace, other: EntryPlace) -> bool:
    return (one.entry, one.place, one.standing) != (other.entry, other.place, other.standing)


def _has_member(page: BookingPage, account_id: str) -> bool:
    return any(member.account_id == account_id for member in page.members)
