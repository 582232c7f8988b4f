"""Messages as the notifiers are given them: one page that stopped for one fault, unless a test says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from calguard_server.domain.account import Locale
from calguard_server.domain.causes import CauseReason
from calguard_server.domain.notices import NoticeKind
from calguard_server.domain.page import SchedulingMode
from calguard_server.notifiers.message import (
    AlertTopic,
    AppointmentFact,
    FaultFact,
    NoticeMessage,
    OperatorAlert,
    PageFact,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT = "https://booking.example/chat?from=mail&topic=calendar"
APPOINTMENT = "https://booking.example/appointments/appointment-1?by=mail&v=1"
RELINK = "https://booking.example/relink/link-1?account=hanako&v=1"


def make_page(number: int = 1, **changes: object) -> PageFact:
    page = PageFact(
        id=f"page-{number}",
        title=f"Demo {number}",
        scheduling_mode=SchedulingMode.ALL_MEMBERS,
        stopped=True,
    )
    return replace(page, **changes)


def make_pages(count: int, **changes: object) -> tuple[PageFact, ...]:
    return tuple(make_page(number, **changes) for number in range(1, count + 1))


def make_fault(**changes: object) -> FaultFact:
    fault = FaultFact(
        account_id="hanako",
        account_name="Hanako Sato",
        provider_email="hanako@gmail.example",
        reason=CauseReason.AUTHORIZATION_REVOKED,
        calendar_name="Sales team",
        relink_url=RELINK,
    )
    return replace(fault, **changes)


def make_appointment(**changes: object) -> AppointmentFact:
    appointment = AppointmentFact(
        id="appointment-1",
        title="First meeting",
        start_time=NOW,
        end_time=NOW + timedelta(minutes=30),
        account_id="hanako",
        account_name="Hanako Sato",
        url=APPOINTMENT,
    )
    return replace(appointment, **changes)


def make_alert(**changes: object) -> OperatorAlert:
    alert = OperatorAlert(topic=AlertTopic.PROVIDER_SIDE, reason="APP_MISCONFIGURED", since=NOW, count=12)
    return replace(alert, **changes)


def make_message(kind: NoticeKind = NoticeKind.PAGE_STOPPED, **changes: object) -> NoticeMessage:
    """A message to the account at fault; an alert goes to the operator."""
    alert = kind is NoticeKind.OPERATOR_ALERT
    mended = kind in (NoticeKind.PAGE_RESTARTED, NoticeKind.APPOINTMENT_CONFLICT)
    of_appointments = kind in (NoticeKind.ASSIGNED_TO_FAULTY, NoticeKind.APPOINTMENT_CONFLICT)
    message = NoticeMessage(
        kind=kind,
        message_id="message-1",
        decided_time=NOW,
        locale=Locale.ENGLISH,
        support_url=SUPPORT,
        recipient_id="" if alert else "hanako",
        recipient_name="" if alert else "Hanako Sato",
        is_at_fault=not alert,
        pages=() if alert else (make_page(stopped=not mended),),
        faults=() if alert or mended else (make_fault(),),
        appointments=(make_appointment(),) if of_appointments else (),
        alert=make_alert() if alert else None,
        incident_ids=("incident-1",),
    )
    return replace(message, **changes)
