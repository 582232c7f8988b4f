"""What a group of deliveries says, as facts: read right before it is sent, so that it tells what is true now."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never
from zoneinfo import ZoneInfo

from calguard_server.domain.account import Account, Locale, SlackAddress
from calguard_server.domain.addresses import appointment_url, relink_url
from calguard_server.domain.appointment import Appointment
from calguard_server.domain.causes import RULES, CauseReason, Severity
from calguard_server.domain.conversation import Post
from calguard_server.domain.delivery import Delivery
from calguard_server.domain.intervals import merged
from calguard_server.domain.link_state import CalendarLink
from calguard_server.domain.notices import Channel, NoticeKind, slack_address_of
from calguard_server.domain.page import BookingPage, Fault
from calguard_server.engine.operator_alerts import INCIDENT_OPENED, INCIDENT_OVER, SLACK_WORKSPACE_BROKEN
from calguard_server.engine.ports.deliveries import ClaimedDelivery
from calguard_server.engine.ports.store import Store
from calguard_server.notifiers.message import (
    Address,
    AlertTopic,
    AppointmentFact,
    FaultFact,
    NoticeMessage,
    OperatorAlert,
    PageFact,
)

_INCIDENT_TOPICS = {INCIDENT_OPENED: AlertTopic.INCIDENT_OPENED, INCIDENT_OVER: AlertTopic.INCIDENT_OVER}


@dataclass(frozen=True, slots=True)
class ComposerOptions:
    """`relink_url` holds `{calendar_link_id}` and `{account_id}`, `appointment_url` `{appointment_id}`.

    The operator's addresses may be empty, and so may `appointment_url`. `unsubscribe_url` answers where an account ends
    what it is told by e-mail of its links; empty: nowhere.
    """

    relink_url: str
    support_url: str
    operator_email: str = ""
    operator_slack_channel: str = ""
    unsubscribe_url: Callable[[str], str] = lambda _account_id: ""
    appointment_url: str = ""


class Composer:
    """Puts together what deliveries say, and where they go."""

    def __init__(self, store: Store, options: ComposerOptions) -> None:
        self._store = store
        self._options = options

    def address(self, claimed: ClaimedDelivery) -> Address:
        """Tell where a delivery goes: for the owner to the page's Slack channel, else to the recipient's address."""
        if claimed.delivery.kind is NoticeKind.OPERATOR_ALERT:
            slack = SlackAddress(channel_id=self._options.operator_slack_channel)
            return Address(email=self._options.operator_email, slack=slack)
        if claimed.recipient is None:
            return Address()
        page, recipient = claimed.page, claimed.recipient
        match claimed.delivery.channel:
            case Channel.EMAIL:
                return Address(email=recipient.email)
            case Channel.SLACK:
                owns = page is not None and page.owner_account_id == recipient.id
                slack = slack_address_of(recipient, page.slack if page is not None and owns else SlackAddress())
                told_apart = recipient.may_be_told_by(Channel.EMAIL)
                return Address(email=recipient.email, slack=slack, email_instead="" if told_apart else recipient.email)
            case Channel.WEBHOOK:
                return Address(webhook_url=recipient.webhook.url, webhook_secret=claimed.webhook_secret)
            case _:
                assert_never(claimed.delivery.channel)

    async def compose(self, group: Sequence[ClaimedDelivery]) -> NoticeMessage:
        """Compose one message for deliveries of one recipient, channel and kind."""
        first = group[0]
        if first.delivery.kind is NoticeKind.OPERATOR_ALERT or first.recipient is None:
            return await self._operator_alert(first)
        pages = {each.page.id: each.page for each in group if each.page is not None}
        faults = _faults(group)
        accounts = await self._store.accounts_by_id({fault.account_id for fault in faults})
        links = {fault.calendar_link_id: await self._store.link(fault.calendar_link_id) for fault in faults}
        recipient = first.recipient
        return NoticeMessage(
            kind=first.delivery.kind,
            message_id=first.delivery.id,
            decided_time=first.delivery.create_time,
            locale=recipient.locale,
            support_url=self._options.support_url,
            recipient_id=recipient.id,
            recipient_name=recipient.display_name,
            is_owner=any(page.owner_account_id == recipient.id for page in pages.values()),
            is_at_fault=any(fault.account_id == recipient.id for fault in faults),
            pages=tuple(_page_fact(page) for page in pages.values()),
            faults=tuple(
                self._fault_fact(fault, accounts.get(fault.account_id), links[fault.calendar_link_id])
                for fault in faults
            ),
            appointments=tuple(await self._appointment_facts(group)),
            incident_ids=tuple(sorted({each.delivery.incident_id for each in group})),
            told=await self._told(group),
            begins_thread=not first.delivery.kind.ends_incident,
            unsubscribe_url=self._unsubscribe_url(first.delivery),
        )

    def _unsubscribe_url(self, delivery: Delivery) -> str:
        """Answer where the recipient ends such messages: only those that were asked for, and not owed, can be ended."""
        asked_for = delivery.kind.of_link and delivery.channel is Channel.EMAIL
        return self._options.unsubscribe_url(delivery.recipient_account_id) if asked_for else ""

    async def _appointment_facts(self, group: Sequence[ClaimedDelivery]) -> list[AppointmentFact]:
        """Tell of the appointments as they stand, each once, in the order of their times."""
        known = {each.appointment.id: each.appointment for each in group if each.appointment is not None}
        found = sorted(known.values(), key=lambda each: (each.time, each.id))
        accounts = await self._store.accounts_by_id({whom for each in found for whom in each.account_ids})
        return [
            self._appointment_fact(each, assignee.account_id, accounts.get(assignee.account_id))
            for each in found
            for assignee in each.assignees
        ]

    def _appointment_fact(self, appointment: Appointment, account_id: str, account: Account | None) -> AppointmentFact:
        zone = ZoneInfo(appointment.time_zone)
        taken = merged(each.time for each in appointment.conflicts if each.account_id == account_id)
        return AppointmentFact(
            id=appointment.id,
            title=appointment.title,
            start_time=appointment.time.start.astimezone(zone),
            end_time=appointment.time.end.astimezone(zone),
            account_id=account_id,
            account_name=account.display_name if account else account_id,
            url=appointment_url(self._options.appointment_url, appointment.id),
            conflicts=tuple((each.start.astimezone(zone), each.end.astimezone(zone)) for each in taken),
        )

    async def _told(self, group: Sequence[ClaimedDelivery]) -> tuple[tuple[Post, ...], ...]:
        first = group[0].delivery
        if first.channel is not Channel.SLACK:
            return ()
        incidents = {each.delivery.incident_id for each in group}
        posts = await self._store.slack_posts(incidents, first.recipient_account_id)
        return tuple(tuple(posts.get(incident_id, ())) for incident_id in sorted(incidents))

    async def _operator_alert(self, claimed: ClaimedDelivery) -> NoticeMessage:
        delivery = claimed.delivery
        return NoticeMessage(
            kind=delivery.kind,
            message_id=delivery.id,
            decided_time=delivery.create_time,
            locale=Locale.ENGLISH,
            support_url=self._options.support_url,
            incident_ids=(delivery.incident_id,) if delivery.stage in _INCIDENT_TOPICS else (),
            alert=await self._incident_alert(delivery) if delivery.stage in _INCIDENT_TOPICS else _alert(delivery),
            told=await self._told([claimed]),
            begins_thread=delivery.stage == INCIDENT_OPENED,
        )

    async def _incident_alert(self, delivery: Delivery) -> OperatorAlert:
        """Tell of a provider's incident as it stands; of one that is no longer kept, only that it was."""
        topic = _INCIDENT_TOPICS[delivery.stage]
        status = await self._store.provider_status()
        known = (each for each in (status.incidents if status else ()) if each.id == delivery.incident_id)
        incident = next(known, None)
        if incident is None:
            return OperatorAlert(topic=topic, reason=delivery.stage, since=delivery.create_time)
        count, since = incident.accounts_affected, incident.open_time
        detail = f"{count} of {incident.links_checked} calendars checked"
        return OperatorAlert(topic=topic, reason=incident.reason, since=since, count=count, detail=detail)

    def _fault_fact(self, fault: Fault, account: Account | None, link: CalendarLink | None) -> FaultFact:
        cause = fault.cause
        return FaultFact(
            account_id=fault.account_id,
            account_name=account.display_name if account else fault.account_id,
            provider_email=link.provider_email if link else "",
            reason=cause.reason,
            calendar_id=cause.calendar_id,
            capability=cause.capability,
            operator_side=RULES[cause.reason].severity is Severity.OPERATOR,
            relink_url=relink_url(
                self._options.relink_url, account_id=fault.account_id, calendar_link_id=fault.calendar_link_id
            ),
        )


def _alert(delivery: Delivery) -> OperatorAlert:
    if delivery.stage.startswith(f"{SLACK_WORKSPACE_BROKEN}:"):
        reason, workspace_id, code = delivery.stage.split(":", 2)
        detail = f"{workspace_id}: {code}"
        return OperatorAlert(topic=AlertTopic.SLACK_BROKEN, reason=reason, since=delivery.create_time, detail=detail)
    known = delivery.stage in CauseReason.__members__
    topic = AlertTopic.PROVIDER_SIDE if known else AlertTopic.DELIVERY_DEAD
    return OperatorAlert(topic=topic, reason=delivery.stage, since=delivery.create_time)


def _faults(group: Sequence[ClaimedDelivery]) -> list[Fault]:
    """The faults that a group names and that still are: each account and link once; of links also what was mended."""
    faults: dict[tuple[str, str], Fault] = {}
    for claimed in group:
        if claimed.link is not None:
            cause = claimed.link.cause or claimed.delivery.faults[0].cause
            faults[claimed.link.account_id, claimed.link.id] = Fault(claimed.link.account_id, claimed.link.id, cause)
        current = {fault.account_id: fault for fault in (claimed.page.faulty if claimed.page else ())}
        ends = claimed.delivery.kind is NoticeKind.PAGE_RESTARTED  # a page may start again though some still fail
        for account_id in current if ends else (fault.account_id for fault in claimed.delivery.faults):
            if account_id in current:
                now = current[account_id]
                faults.setdefault((now.account_id, now.calendar_link_id), now)
    return list(faults.values())


def _page_fact(page: BookingPage) -> PageFact:
    stopped = not page.accepting
    return PageFact(
        id=page.id,
        title=page.title,
        scheduling_mode=page.scheduling_mode,
        stopped=stopped,
        stopped_since=page.state_time if stopped else None,
    )
