"""The rows of one commit, and how they are found."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct

from calguard_server.domain.account import Account
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.incident import Incident
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage
from calguard_server.domain.provider_incident import GOOGLE, ProviderStatus
from calguard_server.domain.secret import Secret
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import SlackWorkspace
from calguard_server.domain.turns import Turns
from calguard_server.engine.link_attempt import LinkAttempt
from calguard_server.engine.ports.grants import Grant
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.requests import Answer


class SlackUses(Struct):
    """The accounts and pages whose Slack address names a workspace."""

    account_ids: set[str] = msgspec.field(default_factory=set)
    page_ids: set[str] = msgspec.field(default_factory=set)


@dataclass(slots=True)
class Tables:
    """Rows by ids, which a store loads for a group of units.

    `revision` is the latest; an id maps to None where there is, or is to be, no row.
    """

    revision: int
    accounts: dict[str, Account | None] = field(default_factory=dict)
    links: dict[str, CalendarLink | None] = field(default_factory=dict)
    pages: dict[str, BookingPage | None] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    attempts: dict[str, LinkAttempt] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    grants: dict[str, Grant | None] = field(default_factory=dict)
    provider_statuses: dict[str, ProviderStatus] = field(default_factory=dict)
    slack_workspaces: dict[str, SlackWorkspace | None] = field(default_factory=dict)
    slack_tokens: dict[str, Secret | None] = field(default_factory=dict)
    slack_uses: dict[str, SlackUses] = field(default_factory=dict)
    webhook_secrets: dict[str, Secret | None] = field(default_factory=dict)
    notifications: dict[str, Notification] = field(default_factory=dict)
    silences: dict[str, Silence | None] = field(default_factory=dict)
    appointments: dict[str, Appointment | None] = field(default_factory=dict)
    turns: dict[str, Turns] = field(default_factory=dict)
    appointments_of: dict[str, set[str]] = field(default_factory=dict)
    links_of: dict[str, set[str]] = field(default_factory=dict)
    pages_of: dict[str, set[str]] = field(default_factory=dict)
    incident_of: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def provider_status(self) -> ProviderStatus | None:
        """The provider's status; None where it never had an incident."""
        return self.provider_statuses.get(GOOGLE)

    def keeps(self, account_id: str, time: Interval, besides: str = "") -> bool:
        """Whether an account has another appointment at a time than the one named."""
        found = (self.appointments.get(each) for each in self.appointments_of.get(account_id, ()) if each != besides)
        return any(each is not None and each.stands_for(account_id) and each.time.overlaps(time) for each in found)

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


def _has_member(page: BookingPage, account_id: str) -> bool:
    return any(member.account_id == account_id for member in page.members)
