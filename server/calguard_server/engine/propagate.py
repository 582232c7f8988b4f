"""From a link's signal to the pages and the notices, inside one transaction.

This is the only path by which a link's or a page's state is saved: link, then every page that has its account as a
member, then the notices of each page that changed.
"""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.conflicts import readable_again
from calguard_server.domain.entries import revives
from calguard_server.domain.events import Change, ChangeType, Notability
from calguard_server.domain.follow_up import next_reminder
from calguard_server.domain.incident import Incident, Owed, decide_telling
from calguard_server.domain.link import LinkDecision, LinkSignal, decide_link
from calguard_server.domain.link_incident import decide_link_telling, opened
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import IncidentStep
from calguard_server.domain.page import BookingPage, Hand, PageDecision, decide_page, member_health
from calguard_server.domain.provider_incident import STRICT, Leniency, leniency_of
from calguard_server.domain.schedule import next_check_time
from calguard_server.engine.context import Context
from calguard_server.engine.owing import owe
from calguard_server.engine.working_set import WorkingSet

_TYPE_OF = {Notability.STATE_CHANGED: ChangeType.STATE_CHANGED, Notability.UPDATED: ChangeType.UPDATED}


class Propagation(Struct, frozen=True):
    """One transaction's view: the working set, the time, and what the use cases are built with."""

    rows: WorkingSet
    now: datetime
    context: Context

    def signal(self, link: CalendarLink, signal: LinkSignal, *, created: bool = False) -> LinkDecision:
        """Let a signal decide a link, save it, and carry on to its account's pages."""
        decision = decide_link(link, signal, self.now, self.context.policies.link, self._leniency())
        if decision.notability is Notability.NONE:
            return decision
        due = self._next_check_time(decision.link, signal)
        if not decision.notability.makes_event:
            scheduled = replace(decision.link, next_check_time=due)
            self.rows.put_link(scheduled)
            return replace(decision, link=scheduled)
        kind = ChangeType.CREATED if created else _TYPE_OF[decision.notability]
        saved = replace(decision.link, next_check_time=due, revision=self.rows.next_revision)
        previous = link.state if kind is ChangeType.STATE_CHANGED else ""
        self.rows.append_change(
            Change(revision=saved.revision, time=self.now, type=kind, resource=saved, previous_state=previous)
        )
        self.rows.put_link(saved)
        if revives(link, saved):
            self.rows.wake_entries(saved.account_id)
        if readable_again(link, saved):
            self.rows.review_appointments(saved.account_id)
        owed = self.reevaluate(saved.account_id, saved.revision)
        self._tell_of_link(link, saved, saved.revision, told_by_pages=_tells_of(saved.account_id, owed))
        return replace(decision, link=saved)

    def _leniency(self) -> Leniency:
        status = self.rows.provider_status
        return STRICT if status is None else leniency_of(status, self.now, self.context.policies.incident)

    def _next_check_time(self, link: CalendarLink, signal: LinkSignal) -> datetime | None:
        findings = getattr(signal, "findings", ())
        policy, chance = self.context.policies.schedule, self.context.chance()
        return next_check_time(link, findings, self.now, policy, chance)

    def delete_link(self, link: CalendarLink) -> None:
        """Delete a link; its account's pages no longer refer to it."""
        revision = self._append_deletion(link)
        self.rows.delete_link(link.id)
        self.reevaluate(link.account_id, revision)
        self._tell_of_link(link, None, revision, told_by_pages=False)

    def reevaluate(self, account_id: str, caused_by: int) -> list[Owed]:
        """Apply the rules afresh to every page that has the account as a member; answers what is owed for them."""
        owed: list[Owed] = []
        for page in self.rows.pages_with_member(account_id):
            owed += self._decide_page(page, page, Hand.NONE, caused_by)[1]
        return owed

    def decide_page(
        self, before: BookingPage | None, page: BookingPage, *, hand: Hand = Hand.NONE, caused_by: int = 0
    ) -> PageDecision:
        """Apply the rule and the owner's hand to a page as its caller set it; `before` is None for a new one."""
        return self._decide_page(before, page, hand, caused_by)[0]

    def _decide_page(
        self, before: BookingPage | None, page: BookingPage, hand: Hand, caused_by: int
    ) -> tuple[PageDecision, tuple[Owed, ...]]:
        members = [
            member_health(member.account_id, self.rows.links_of_account(member.account_id)) for member in page.members
        ]
        decision = decide_page(page, members, self.now, hand)
        notability = _page_notability(before, page, decision)
        if notability is Notability.NONE:
            return decision, ()
        kind = ChangeType.CREATED if before is None else _TYPE_OF[notability]
        saved = self._append_page(before, decision.page, kind, caused_by)
        return PageDecision(saved, decision.reason, notability, decision.moves), self._tell(before, saved)

    def delete_page(self, page: BookingPage) -> None:
        """Delete a page; its incident is over."""
        self._append_deletion(page)
        incident = self.rows.open_incident(page.id)
        if incident is not None:
            self.rows.put_incident(incident.closed(self.now))
        self.rows.delete_page(page.id)

    def _append_deletion(self, resource: CalendarLink | BookingPage) -> int:
        revision = self.rows.next_revision
        self.rows.append_change(
            Change(
                revision=revision,
                time=self.now,
                type=ChangeType.DELETED,
                resource=resource,
                previous_state=resource.state,
            )
        )
        return revision

    def _append_page(
        self, before: BookingPage | None, page: BookingPage, kind: ChangeType, caused_by: int
    ) -> BookingPage:
        saved = replace(page, revision=self.rows.next_revision, update_time=self.now)
        same = before is None or (before.members, before.owner_account_id) == (page.members, page.owner_account_id)
        former, now = ((), ()) if before is None or same else (before.account_ids, page.account_ids)
        change = Change(
            revision=saved.revision,
            time=self.now,
            type=kind,
            resource=saved,
            previous_state=before.state if before is not None and kind is ChangeType.STATE_CHANGED else "",
            added_account_ids=_without(now, former),
            removed_account_ids=_without(former, now),
            caused_by=caused_by,
        )
        self.rows.append_change(change)
        self.rows.put_page(saved)
        return saved

    def _tell(self, before: BookingPage | None, page: BookingPage) -> tuple[Owed, ...]:
        """Record what is owed for a page's change: its incident, and a delivery a recipient and channel."""
        incident = self.rows.open_incident(page.id)
        telling = decide_telling(before, page, incident, self.rows.accounts, self.context.policies.served)
        match telling.incident:
            case IncidentStep.OPEN if incident is None:
                incident = self._opened(page)
            case IncidentStep.CLOSE if incident is not None:
                incident = incident.closed(self.now)
        if incident is not None and (telling.owed or telling.incident is not IncidentStep.KEEP):
            owe(self.rows, self.context, incident, page.revision, telling.owed, self.now)
        return telling.owed

    def _tell_of_link(
        self, before: CalendarLink, after: CalendarLink | None, revision: int, *, told_by_pages: bool
    ) -> None:
        """Record what is owed for a link's change by itself."""
        incident, account = self.rows.open_link_incident(before.id), self.rows.accounts.get(before.account_id)
        served = self.context.policies.served
        telling = decide_link_telling(before, after, incident, account, served, told_by_pages=told_by_pages)
        match telling.incident:
            case IncidentStep.OPEN:
                incident = opened(self.context.new_id("incident"), before, self.now)
            case IncidentStep.CLOSE if incident is not None:
                incident = incident.closed(self.now)
        if incident is not None and telling.incident is not IncidentStep.KEEP:
            owe(self.rows, self.context, incident, revision, telling.owed, self.now)

    def _opened(self, page: BookingPage) -> Incident:
        first = next_reminder(self.now, self.now, self.context.policies.reminders)
        new_id = self.context.new_id("incident")
        return Incident(id=new_id, booking_page_id=page.id, open_time=self.now, reminder_time=first)


def _page_notability(before: BookingPage | None, page: BookingPage, decision: PageDecision) -> Notability:
    """A page that its caller changed is at least UPDATED, whatever the rules say of it."""
    if decision.notability is Notability.NONE and before is not page:
        return Notability.UPDATED
    return decision.notability


def _tells_of(account_id: str, owed: Iterable[Owed]) -> bool:
    """Tell whether an account is told of a fault of its own."""
    return any(
        recipient.account_id == account_id and recipient.channels
        for each in owed
        if any(fault.account_id == account_id for fault in each.notice.faults)
        for recipient in each.recipients
    )


def _without(account_ids: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    return () if account_ids == others else tuple(each for each in account_ids if each not in others)
