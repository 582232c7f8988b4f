"""What a transaction works on: the rows that its units of work need, and all that they changed.

1. A store loads the working set for a whole group of units at once, runs them one after the other on it, and writes
   what changed in one commit. So many units share one commit, and each sees what those before it did.
2. A unit that raises leaves no trace: whatever it put is taken back.
3. Revisions are given as changes are appended, one after the other, so that the log has no holes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.delivery import Delivery
from calguard_server.domain.events import Change
from calguard_server.domain.incident import Incident
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.engine.entry_places import EntryPlace, differ, entry_places
from calguard_server.engine.journal import JournaledTables
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.requests import Answer, Request, refuse_replay
from calguard_server.engine.seeds import Seeds

T = TypeVar("T")


class Unit(Struct, Generic[T], frozen=True):
    """A unit of work: what it needs, and the synchronous decision on it."""

    seeds: Seeds
    decide: Callable[["WorkingSet"], T]
    request: Request | None = None


class ReviewStep(Struct, frozen=True):
    """What becomes of a review that was due: it is over, tried `again` later, or left to the next recovery."""

    again: datetime | None = None
    until_recovery: bool = False


@dataclass(slots=True)
class WorkingSet(JournaledTables):
    """The rows of one commit, and what is to be written of them.

    `members_changed` names the pages whose members are to be indexed anew; `unit_starts` the revisions with which a
    unit's changes began; `entries` those of appointments that changed, in the order in which they first did; `woken`
    the accounts whose entries are to be tried at once, `recovered` those whose calendars can be read again; `reviews`
    what becomes of reviews, by account and appointment.
    """

    entries: dict[str, EntryPlace] = field(default_factory=dict)
    woken: set[str] = field(default_factory=set)
    recovered: set[str] = field(default_factory=set)
    reviews: dict[tuple[str, str], ReviewStep] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    members_changed: set[str] = field(default_factory=set)
    unit_starts: set[int] = field(default_factory=set)

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

    def put_provider_status(self, status: ProviderStatus) -> None:
        """Save the provider's status."""
        self._put("provider_statuses", self.provider_statuses, status.id, status)

    def put_grant(self, link_id: str, grant: Grant | None) -> None:
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

    def put_notification(self, notification: Notification) -> None:
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
            if known is None or differ(known, place):
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

    def _drop_last_change(self) -> None:
        self.changes.pop()
        self.revision -= 1
