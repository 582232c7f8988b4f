"""Accounts, links, pages and causes as the domain knows them: in order unless a test says otherwise."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.appointment import Appointment, AppointmentState, Assignee, Attendee, Entry, EntryState
from calguard_server.domain.causes import Cause, CauseReason, Finding
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.intervals import Interval
from calguard_server.domain.link import Authorized, Checked
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import (
    AssignmentMethod,
    BookingPage,
    Condition,
    Fault,
    FaultyMembers,
    Member,
    MemberHealth,
    PagePhase,
    SchedulingMode,
)
from calguard_server.domain.scopes import REQUESTED_SCOPES

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
"""When a test happens, unless it says otherwise."""

EARLIER = NOW - timedelta(days=1)
"""When everything that a test begins with was made."""


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def make_account(account_id: str = "ann", **changes: object) -> Account:
    account = Account(
        id=account_id,
        display_name=account_id.title(),
        email=f"{account_id}@example.com",
        locale=Locale.ENGLISH,
        slack=SlackAddress(),
        revision=1,
        create_time=EARLIER,
        update_time=EARLIER,
    )
    return replace(account, **changes)


def make_appointment(appointment_id: str = "a1", *account_ids: str, **changes: object) -> Appointment:
    """An appointment that these accounts have, in whose calendars it is."""
    assignees = (
        Assignee(
            account_id=each,
            faulty=False,
            entry=Entry(event_id=f"event{each}", account_id=each, state=EntryState.ADDED, calendar_id="me@example.com"),
            assign_time=EARLIER,
        )
        for each in account_ids or ("ann",)
    )
    appointment = Appointment(
        id=appointment_id,
        booking_page_id="page",
        time=Interval(NOW, NOW + timedelta(minutes=30)),
        time_zone="UTC",
        title="Visit",
        attendees=(Attendee("guest@example.com", "Guest"),),
        assignees=tuple(assignees),
        state=AppointmentState.ASSIGNED,
        create_time=EARLIER,
        update_time=EARLIER,
        revision=7,
    )
    return replace(appointment, **changes)


def make_cause(
    reason: CauseReason = CauseReason.AUTHORIZATION_REVOKED, since: datetime = EARLIER, calendar_id: str = ""
) -> Cause:
    return Cause(reason, since, calendar_id)


USUAL_CAUSES: dict[LinkState, Cause | None] = {
    LinkState.LINKED: None,
    LinkState.DEGRADED: make_cause(CauseReason.CALENDAR_READ_ONLY, calendar_id="work"),
    LinkState.FAILED: make_cause(CauseReason.AUTHORIZATION_REVOKED),
    LinkState.STOPPED: None,
}


def make_link(state: LinkState = LinkState.LINKED, **changes: object) -> CalendarLink:
    """Build a link of account `ann` with a full grant and both calendars set, but no grant where it is STOPPED."""
    granted = state is not LinkState.STOPPED
    link = CalendarLink(
        id="ann-google",
        account_id="ann",
        provider_subject="10001",
        provider_email="ann@gmail.example",
        state=state,
        cause=USUAL_CAUSES[state],
        state_time=EARLIER,
        has_grant=granted,
        granted_scopes=REQUESTED_SCOPES if granted else (),
        check_calendar_ids=("work", "home"),
        add_calendar_id="work",
        last_check_time=EARLIER,
        next_check_time=None,
        consecutive_failures=0,
        failing_since=None,
        quota_exhausted_since=None,
        evidence=7,
        revision=1,
        create_time=EARLIER,
        update_time=EARLIER,
    )
    return replace(link, **changes)


def findings_of(*reasons: CauseReason) -> tuple[Finding, ...]:
    return tuple(Finding(reason) for reason in reasons)


def checked(link: CalendarLink, *findings: Finding | CauseReason, confirmed: bool = False) -> Checked:
    """Build the outcome of a check that began with the link as it is."""
    met = tuple(Finding(each) if isinstance(each, CauseReason) else each for each in findings)
    return Checked(met, link.evidence, confirmed=confirmed)


def authorized(*findings: Finding | CauseReason, **changes: object) -> Authorized:
    """Build a consent by the same Google account, with every box ticked and both calendars kept."""
    met = tuple(Finding(each) if isinstance(each, CauseReason) else each for each in findings)
    signal = Authorized("10001", "ann@gmail.example", REQUESTED_SCOPES, ("work", "home"), "work", met)
    return replace(signal, **changes)


def make_fault(account_id: str) -> Fault:
    return Fault(account_id, f"{account_id}-google", make_cause())


def make_health(account_id: str, condition: Condition) -> MemberHealth:
    return MemberHealth(account_id, condition, make_fault(account_id) if condition is Condition.FAULTY else None)


def make_page(
    mode: SchedulingMode = SchedulingMode.ALL_MEMBERS,
    members: Iterable[str] = ("ann", "bob"),
    faulty: Iterable[str] = (),
    phase: PagePhase = PagePhase.LINKED,
    **changes: object,
) -> BookingPage:
    """Build a page that is owned by `olga`, who is not a member."""
    page = BookingPage(
        id="page",
        owner_account_id="olga",
        title="Meet us",
        scheduling_mode=mode,
        members=tuple(Member(account_id) for account_id in members),
        faulty_members=FaultyMembers.KEEP,
        assignment_method=AssignmentMethod.EVEN,
        slack=SlackAddress(),
        phase=phase,
        faulty=tuple(make_fault(account_id) for account_id in faulty),
        state_time=EARLIER,
        revision=1,
        create_time=EARLIER,
        update_time=EARLIER,
    )
    return replace(page, **changes)


def make_delivery(kind: NoticeKind = NoticeKind.PAGE_STOPPED, **changes: object) -> Delivery:
    """Build a first attempt to tell `olga` by e-mail that `ann` is at fault."""
    delivery = Delivery(
        id="delivery",
        incident_id="incident",
        booking_page_id="page",
        kind=kind,
        stage="stopped",
        recipient_account_id="olga",
        channel=Channel.EMAIL,
        faults=(make_fault("ann"),),
        revision=1,
        state=DeliveryState.SENDING,
        attempts=1,
        next_attempt_time=None,
        create_time=NOW,
    )
    return replace(delivery, **changes)
