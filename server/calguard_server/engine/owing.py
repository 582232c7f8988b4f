"""Putting down what an incident owes: a delivery for each recipient and channel, in the transaction that decides it."""

from collections.abc import Iterable
from datetime import datetime

from msgspec.structs import replace

from calguard_server.domain.appointment import Appointment
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.incident import Incident, Owed, Told
from calguard_server.domain.notices import Channel, Notice, channels_to
from calguard_server.domain.page import BookingPage
from calguard_server.engine.context import Context
from calguard_server.engine.working_set import WorkingSet


def owe(
    rows: WorkingSet, context: Context, incident: Incident, revision: int, owed: Iterable[Owed], now: datetime
) -> None:
    """Save an incident with all that it owes; `revision` is the change that is told."""
    told = []
    for each in owed:
        for recipient in each.recipients:
            for channel in recipient.channels:
                about = (incident.id, incident.booking_page_id)
                delivery = _delivery(context, about, revision, each.notice, recipient.account_id, channel, now)
                rows.append_delivery(delivery)
                told.append(Told(recipient.account_id, channel, each.notice.stage, delivery.state))
    rows.put_incident(replace(incident, told=(*incident.told, *told)))


def owe_of_appointment(
    rows: WorkingSet, context: Context, page: BookingPage, appointment: Appointment, notice: Notice, now: datetime
) -> None:
    """Owe a notice of an appointment's last change; it has the place of an incident: once for a stage."""
    about = (appointment.id, page.id)
    for account_id in notice.recipient_account_ids:
        for channel in channels_to(rows.accounts.get(account_id), page, context.policies.served):
            rows.append_delivery(_delivery(context, about, appointment.revision, notice, account_id, channel, now))


def _delivery(
    context: Context,
    about: tuple[str, str],
    revision: int,
    notice: Notice,
    recipient: str,
    channel: Channel,
    now: datetime,
) -> Delivery:
    return Delivery(
        id=context.new_id("notification"),
        incident_id=about[0],
        booking_page_id=about[1],
        kind=notice.kind,
        stage=notice.stage,
        recipient_account_id=recipient,
        channel=channel,
        faults=notice.faults,
        revision=revision,
        state=DeliveryState.PENDING,
        attempts=0,
        next_attempt_time=now + context.policies.notice_group_wait,
        create_time=now,
    )
