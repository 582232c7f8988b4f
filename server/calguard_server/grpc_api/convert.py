"""The domain's resources in the contract's words.

On the path of every answer and every change: the enum maps are worked out once, and times are taken apart by hand,
which is four times as fast as `Timestamp.FromDatetime`.
"""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from calguard.v1 import (
    account_pb2,
    booking_page_pb2,
    calendar_link_pb2,
    cause_pb2,
    notification_pb2,
    provider_pb2,
    silence_pb2,
    slack_pb2,
)
from calguard_server.domain.account import Account, SlackAddress
from calguard_server.domain.causes import Capability, Cause
from calguard_server.domain.delivery import Attempt
from calguard_server.domain.etags import etag_of
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.page import BookingPage, Fault, Member
from calguard_server.domain.provider_incident import ProviderIncident, ProviderStatus
from calguard_server.domain.silence import Silence
from calguard_server.domain.webhook import Webhook
from calguard_server.engine.ports.notifications import Notification
from calguard_server.engine.selection import UsableCalendar
from calguard_server.grpc_api import enums

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_SLACK = SlackAddress()

_CHANGED_MAX = 1024
_changed: dict[int, tuple[BookingPage, booking_page_pb2.BookingPage]] = {}


def to_timestamp(time: datetime) -> Timestamp:
    """Answer a time as protobuf has it, to the microsecond."""
    since = time - EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def write_time(time: datetime, written: Timestamp) -> None:
    """Write a time into a message that is there: where there are thousands, copying a message of each is half the work.

    The message has no time yet.
    """
    since = time - EPOCH
    written.seconds = since.days * 86_400 + since.seconds
    if since.microseconds:
        written.nanos = since.microseconds * 1_000


def _optional_timestamp(time: datetime | None) -> Timestamp | None:
    return None if time is None else to_timestamp(time)


def slack_to_wire(slack: SlackAddress) -> slack_pb2.SlackAddress | None:
    """Answer a Slack address; None, which leaves the field unset, where no part of it is set."""
    if slack == _NO_SLACK:
        return None
    return slack_pb2.SlackAddress(workspace_id=slack.workspace_id, user_id=slack.user_id, channel_id=slack.channel_id)


def account_to_wire(account: Account) -> account_pb2.Account:
    """Answer an account."""
    return account_pb2.Account(
        id=account.id,
        display_name=account.display_name,
        email=account.email,
        locale=account.locale.value,
        slack=slack_to_wire(account.slack),
        etag=etag_of(account),
        revision=account.revision,
        create_time=to_timestamp(account.create_time),
        update_time=to_timestamp(account.update_time),
        channels=[enums.CHANNEL.to_wire[channel] for channel in account.channels],
        link_alerts=enums.LINK_ALERTS.to_wire[account.link_alerts],
        webhook=_webhook_to_wire(account.webhook),
    )


def _webhook_to_wire(webhook: Webhook) -> account_pb2.Webhook | None:
    """Answer where webhooks go, without the secret; None where they go nowhere."""
    return account_pb2.Webhook(url=webhook.url, secret_set=True) if webhook.url else None


def cause_to_wire(cause: Cause) -> cause_pb2.Cause:
    """Answer a cause with its words."""
    return cause_pb2.Cause(
        reason=enums.CAUSE_REASON.to_wire[cause.reason],
        message=cause.message,
        remedy=cause.remedy,
        calendar_id=cause.calendar_id,
        capability=_capability_to_wire(cause.capability),
        since=to_timestamp(cause.since),
        operator_side=cause.operator_side,
    )


def _capability_to_wire(capability: Capability | None) -> cause_pb2.Capability.ValueType:
    return cause_pb2.CAPABILITY_UNSPECIFIED if capability is None else enums.CAPABILITY.to_wire[capability]


def link_to_wire(link: CalendarLink) -> calendar_link_pb2.CalendarLink:
    """Answer a link."""
    return calendar_link_pb2.CalendarLink(
        id=link.id,
        account_id=link.account_id,
        provider=calendar_link_pb2.CALENDAR_PROVIDER_GOOGLE,
        provider_email=link.provider_email,
        state=enums.LINK_STATE.to_wire[link.state],
        cause=None if link.cause is None else cause_to_wire(link.cause),
        state_time=to_timestamp(link.state_time),
        authorized=link.authorized,
        next_action=enums.NEXT_ACTION.to_wire[link.next_action],
        granted_scopes=link.granted_scopes,
        check_calendar_ids=link.check_calendar_ids,
        add_calendar_id=link.add_calendar_id,
        last_check_time=_optional_timestamp(link.last_check_time),
        next_check_time=_optional_timestamp(link.next_check_time),
        consecutive_failures=link.consecutive_failures,
        etag=etag_of(link),
        revision=link.revision,
        create_time=to_timestamp(link.create_time),
        update_time=to_timestamp(link.update_time),
    )


def provider_status_to_wire(status: ProviderStatus) -> provider_pb2.ProviderStatus:
    """Answer a provider's status."""
    return provider_pb2.ProviderStatus(
        provider=calendar_link_pb2.CALENDAR_PROVIDER_GOOGLE,
        state=enums.PROVIDER_STATE.to_wire[status.state],
        incidents=[_incident_to_wire(incident) for incident in status.incidents],
        revision=status.revision,
        update_time=to_timestamp(status.update_time) if status.revision else None,
    )


def _incident_to_wire(incident: ProviderIncident) -> provider_pb2.ProviderIncident:
    return provider_pb2.ProviderIncident(
        id=incident.id,
        reason=enums.CAUSE_REASON.to_wire[incident.reason],
        open_time=to_timestamp(incident.open_time),
        end_time=_optional_timestamp(incident.end_time),
        accounts_affected=incident.accounts_affected,
        links_checked=incident.links_checked,
    )


def calendar_to_wire(usable: UsableCalendar) -> calendar_link_pb2.Calendar:
    """Answer a calendar with what it can be used for."""
    return calendar_link_pb2.Calendar(
        id=usable.calendar.id,
        summary=usable.calendar.summary,
        access_role=usable.calendar.access_role,
        primary=usable.calendar.primary,
        can_check=usable.use.can_check,
        can_add=usable.use.can_add,
        refusal=usable.use.refusal,
    )


def page_to_wire(page: BookingPage) -> booking_page_pb2.BookingPage:
    """Answer a page."""
    return booking_page_pb2.BookingPage(
        id=page.id,
        owner_account_id=page.owner_account_id,
        title=page.title,
        scheduling_mode=enums.SCHEDULING_MODE.to_wire[page.scheduling_mode],
        members=[_member_to_wire(member) for member in page.members],
        faulty_members=enums.FAULTY_MEMBERS.to_wire[page.faulty_members],
        assignment_method=enums.ASSIGNMENT_METHOD.to_wire[page.assignment_method],
        slack=slack_to_wire(page.slack),
        state=enums.PAGE_STATE.to_wire[page.state],
        accepting=page.accepting,
        stop_cause=enums.STOP_CAUSE.to_wire[page.stop_cause],
        faulty=[_fault_to_wire(fault) for fault in page.faulty],
        state_time=to_timestamp(page.state_time),
        etag=etag_of(page),
        revision=page.revision,
        create_time=to_timestamp(page.create_time),
        update_time=to_timestamp(page.update_time),
    )


def changed_page_to_wire(page: BookingPage) -> booking_page_pb2.BookingPage:
    """Answer a page that was just changed: to its watchers and to its caller the same message, which nobody changes."""
    kept = _changed.get(id(page))
    if kept is not None and kept[0] is page:  # the page is held with its message, so its id is nobody else's
        return kept[1]
    message = page_to_wire(page)
    if len(_changed) >= _CHANGED_MAX:
        del _changed[next(iter(_changed))]
    _changed[id(page)] = (page, message)
    return message


def _member_to_wire(member: Member) -> booking_page_pb2.BookingPageMember:
    return booking_page_pb2.BookingPageMember(account_id=member.account_id, priority=member.priority)


def _fault_to_wire(fault: Fault) -> booking_page_pb2.FaultyMember:
    return booking_page_pb2.FaultyMember(
        account_id=fault.account_id, calendar_link_id=fault.calendar_link_id, cause=cause_to_wire(fault.cause)
    )


def notification_to_wire(notification: Notification) -> notification_pb2.Notification:
    """Answer a notification; of the members at fault, the first."""
    delivery = notification.delivery
    fault = delivery.faults[0] if delivery.faults else None
    return notification_pb2.Notification(
        id=delivery.id,
        kind=enums.NOTICE_KIND.to_wire[delivery.kind],
        booking_page_ids=notification.booking_page_ids,
        calendar_link_id=fault.calendar_link_id if fault else "",
        recipient_account_id=delivery.recipient_account_id,
        channel=enums.CHANNEL.to_wire[delivery.channel],
        address=delivery.address,
        state=enums.DELIVERY_STATE.to_wire[delivery.state],
        attempts=delivery.attempts,
        last_error=delivery.last_error,
        next_attempt_time=_optional_timestamp(delivery.next_attempt_time),
        send_time=_optional_timestamp(delivery.send_time),
        create_time=to_timestamp(delivery.create_time),
        faulty_account_id=fault.account_id if fault else "",
        revision=delivery.revision,
        message_id=delivery.message_id,
    )


def notification_in_full(notification: Notification) -> notification_pb2.Notification:
    """Answer a notification with its attempts, and what it was sent together with."""
    message = notification_to_wire(notification)
    message.grouped_notification_ids.extend(notification.grouped_ids)
    message.attempt_history.extend(_attempt_to_wire(attempt) for attempt in notification.attempts)
    return message


def silence_to_wire(silence: Silence) -> silence_pb2.Silence:
    """Answer a silence."""
    return silence_pb2.Silence(
        id=silence.id,
        booking_page_id=silence.booking_page_id,
        account_id=silence.account_id,
        calendar_link_id=silence.calendar_link_id,
        end_time=to_timestamp(silence.end_time),
        reason=silence.reason,
        create_time=to_timestamp(silence.create_time),
    )


def _attempt_to_wire(attempt: Attempt) -> notification_pb2.NotificationAttempt:
    return notification_pb2.NotificationAttempt(
        time=to_timestamp(attempt.time),
        outcome=enums.ATTEMPT_OUTCOME.to_wire[attempt.outcome],
        detail=attempt.detail,
        address=attempt.address,
        message_id=attempt.message_id,
    )
