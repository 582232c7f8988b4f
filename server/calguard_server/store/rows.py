"""Between rows and objects. Times are microseconds since 1970 in UTC; lists are JSON."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from calguard_server.domain.account import Account, LinkAlerts, Locale, SlackAddress
from calguard_server.domain.causes import Capability, Cause, CauseReason
from calguard_server.domain.delivery import Delivery, DeliveryState
from calguard_server.domain.incident import Incident
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind
from calguard_server.domain.page import (
    AssignmentMethod,
    BookingPage,
    Fault,
    FaultyMembers,
    Member,
    PagePhase,
    SchedulingMode,
)
from calguard_server.domain.provider_incident import ProviderIncident, ProviderStatus
from calguard_server.domain.silence import Silence
from calguard_server.domain.slack_workspace import Breakage, SlackWorkspace
from calguard_server.domain.webhook import Webhook

Row = Sequence[Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000


def to_micros(time: datetime) -> int:
    """Write a time."""
    return (time - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Read a time."""
    return _EPOCH + timedelta(0, micros // _SECOND, micros % _SECOND)


def optional_micros(time: datetime | None) -> int | None:
    """Write a time that may not be set."""
    return None if time is None else to_micros(time)


def optional_time(micros: int | None) -> datetime | None:
    """Read a time that may not be set."""
    return None if micros is None else from_micros(micros)


@lru_cache(maxsize=4096)
def to_list(texts: tuple[str, ...]) -> str:
    """Write a list of texts; the same lists, of scopes above all, come up again and again."""
    return json.dumps(texts)


@lru_cache(maxsize=4096)
def from_list(text: str) -> tuple[str, ...]:
    """Read a list of texts."""
    return tuple(json.loads(text)) if text != "[]" else ()


@lru_cache(maxsize=4096)
def _to_members(members: tuple[Member, ...]) -> str:
    return json.dumps([[member.account_id, member.priority] for member in members])


@lru_cache(maxsize=4096)
def _from_members(text: str) -> tuple[Member, ...]:
    return tuple(Member(account_id, priority) for account_id, priority in json.loads(text))


def account_row(account: Account) -> Row:
    """Write an account."""
    slack = account.slack
    return (
        account.id,
        account.display_name,
        account.email,
        account.locale.value,
        slack.workspace_id,
        slack.user_id,
        slack.channel_id,
        account.revision,
        to_micros(account.create_time),
        to_micros(account.update_time),
        to_list(tuple(channel.value for channel in account.channels)),
        account.link_alerts.value,
        account.webhook.url,
        account.webhook.secret_version,
    )


def account_of(row: Row) -> Account:
    """Read an account."""
    return Account(
        id=row[0],
        display_name=row[1],
        email=row[2],
        locale=Locale(row[3]),
        slack=SlackAddress(row[4], row[5], row[6]),
        revision=row[7],
        create_time=from_micros(row[8]),
        update_time=from_micros(row[9]),
        channels=tuple(map(Channel, from_list(row[10]))),
        link_alerts=LinkAlerts(row[11]),
        webhook=Webhook(row[12], row[13]),
    )


def link_row(link: CalendarLink) -> Row:
    """Write a link."""
    return (
        link.id,
        link.account_id,
        link.provider_subject,
        link.provider_email,
        link.state.value,
        *cause_columns(link.cause),
        to_micros(link.state_time),
        int(link.has_grant),
        to_list(link.granted_scopes),
        to_list(link.check_calendar_ids),
        link.add_calendar_id,
        optional_micros(link.last_check_time),
        optional_micros(link.next_check_time),
        link.consecutive_failures,
        optional_micros(link.failing_since),
        optional_micros(link.quota_exhausted_since),
        link.evidence,
        link.revision,
        to_micros(link.create_time),
        to_micros(link.update_time),
    )


def link_of(row: Row) -> CalendarLink:
    """Read a link."""
    return CalendarLink(
        id=row[0],
        account_id=row[1],
        provider_subject=row[2],
        provider_email=row[3],
        state=LinkState(row[4]),
        cause=cause_of(row[5:9]),
        state_time=from_micros(row[9]),
        has_grant=bool(row[10]),
        granted_scopes=from_list(row[11]),
        check_calendar_ids=from_list(row[12]),
        add_calendar_id=row[13],
        last_check_time=optional_time(row[14]),
        next_check_time=optional_time(row[15]),
        consecutive_failures=row[16],
        failing_since=optional_time(row[17]),
        quota_exhausted_since=optional_time(row[18]),
        evidence=row[19],
        revision=row[20],
        create_time=from_micros(row[21]),
        update_time=from_micros(row[22]),
    )


def page_row(page: BookingPage) -> Row:
    """Write a page."""
    slack = page.slack
    return (
        page.id,
        page.owner_account_id,
        page.title,
        page.scheduling_mode.value,
        _to_members(page.members),
        page.faulty_members.value,
        page.assignment_method.value,
        slack.workspace_id,
        slack.user_id,
        slack.channel_id,
        page.phase.value,
        to_faults(page.faulty),
        to_micros(page.state_time),
        page.revision,
        to_micros(page.create_time),
        to_micros(page.update_time),
    )


def page_of(row: Row) -> BookingPage:
    """Read a page."""
    return BookingPage(
        id=row[0],
        owner_account_id=row[1],
        title=row[2],
        scheduling_mode=SchedulingMode(row[3]),
        members=_from_members(row[4]),
        faulty_members=FaultyMembers(row[5]),
        assignment_method=AssignmentMethod(row[6]),
        slack=SlackAddress(row[7], row[8], row[9]),
        phase=PagePhase(row[10]),
        faulty=from_faults(row[11]),
        state_time=from_micros(row[12]),
        revision=row[13],
        create_time=from_micros(row[14]),
        update_time=from_micros(row[15]),
    )


def provider_status_row(status: ProviderStatus) -> Row:
    """Write a provider's status."""
    incidents = [
        [
            each.id,
            each.reason.value,
            to_micros(each.open_time),
            optional_micros(each.end_time),
            each.accounts_affected,
            each.links_checked,
        ]
        for each in status.incidents
    ]
    return (status.id, json.dumps(incidents), status.revision, to_micros(status.update_time))


@lru_cache(maxsize=4)
def provider_status_of(row: Row) -> ProviderStatus:
    """Read a provider's status: with every group of changes, and mostly the same."""
    incidents = (
        ProviderIncident(
            id=incident_id,
            reason=CauseReason(reason),
            open_time=from_micros(open_time),
            end_time=optional_time(end_time),
            accounts_affected=affected,
            links_checked=checked,
        )
        for incident_id, reason, open_time, end_time, affected, checked in json.loads(row[1])
    )
    return ProviderStatus(id=row[0], incidents=tuple(incidents), revision=row[2], update_time=from_micros(row[3]))


def slack_workspace_row(workspace: SlackWorkspace) -> Row:
    """Write a Slack workspace."""
    breakage = workspace.breakage
    return (
        workspace.id,
        workspace.name,
        workspace.team_id,
        workspace.team_name,
        breakage.code if breakage else "",
        to_micros(breakage.since) if breakage else None,
        workspace.token_version,
        workspace.revision,
        to_micros(workspace.create_time),
        to_micros(workspace.update_time),
    )


def slack_workspace_of(row: Row) -> SlackWorkspace:
    """Read a Slack workspace."""
    return SlackWorkspace(
        id=row[0],
        name=row[1],
        team_id=row[2],
        team_name=row[3],
        breakage=Breakage(row[4], from_micros(row[5])) if row[4] else None,
        token_version=row[6],
        revision=row[7],
        create_time=from_micros(row[8]),
        update_time=from_micros(row[9]),
    )


def incident_row(incident: Incident) -> Row:
    """Write an incident."""
    return (
        incident.id,
        incident.booking_page_id,
        to_micros(incident.open_time),
        optional_micros(incident.close_time),
        optional_micros(incident.reminder_time),
        incident.calendar_link_id,
        optional_micros(incident.silenced_time),
    )


def silence_row(silence: Silence) -> Row:
    """Write a silence."""
    return (
        silence.id,
        silence.booking_page_id,
        silence.account_id,
        silence.calendar_link_id,
        to_micros(silence.end_time),
        silence.reason,
        to_micros(silence.create_time),
    )


def silence_of(row: Row) -> Silence:
    """Read a silence."""
    return Silence(
        id=row[0],
        booking_page_id=row[1],
        account_id=row[2],
        calendar_link_id=row[3],
        end_time=from_micros(row[4]),
        reason=row[5],
        create_time=from_micros(row[6]),
    )


def delivery_row(delivery: Delivery) -> Row:
    """Write a delivery."""
    return (
        delivery.id,
        delivery.incident_id,
        delivery.booking_page_id,
        delivery.kind.value,
        delivery.stage,
        delivery.recipient_account_id,
        delivery.channel.value,
        to_faults(delivery.faults),
        delivery.revision,
        delivery.state.value,
        delivery.attempts,
        optional_micros(delivery.next_attempt_time),
        to_micros(delivery.create_time),
        delivery.address,
        delivery.last_error,
        optional_micros(delivery.send_time),
        delivery.message_id,
        delivery.fence,
        int(delivery.doubtful),
        delivery.attempts_before,
        optional_micros(delivery.retry_time),
    )


def delivery_of(row: Row, *, incident_closed: bool = False) -> Delivery:
    """Read a delivery."""
    return Delivery(
        id=row[0],
        incident_id=row[1],
        booking_page_id=row[2],
        kind=NoticeKind(row[3]),
        stage=row[4],
        recipient_account_id=row[5],
        channel=Channel(row[6]),
        faults=from_faults(row[7]),
        revision=row[8],
        state=DeliveryState(row[9]),
        attempts=row[10],
        next_attempt_time=optional_time(row[11]),
        create_time=from_micros(row[12]),
        address=row[13],
        last_error=row[14],
        send_time=optional_time(row[15]),
        message_id=row[16],
        fence=row[17],
        doubtful=bool(row[18]),
        attempts_before=row[19],
        retry_time=optional_time(row[20]),
        incident_closed=incident_closed,
    )


def to_faults(faults: Sequence[Fault]) -> str:
    """Write faults."""
    if not faults:
        return "[]"
    return json.dumps([[each.account_id, each.calendar_link_id, *cause_columns(each.cause)] for each in faults])


def from_faults(text: str) -> tuple[Fault, ...]:
    """Read faults."""
    if text == "[]":
        return ()
    read = ((row[0], row[1], cause_of(row[2:6])) for row in json.loads(text))
    return tuple(Fault(account_id, link_id, cause) for account_id, link_id, cause in read if cause is not None)


def cause_columns(cause: Cause | None) -> Row:
    """Write a cause."""
    if cause is None:
        return (None, None, None, None)
    capability = None if cause.capability is None else cause.capability.value
    return (cause.reason.value, to_micros(cause.since), cause.calendar_id, capability)


def cause_of(columns: Row) -> Cause | None:
    """Read a cause."""
    reason, since, calendar_id, capability = columns
    if reason is None:
        return None
    return Cause(
        CauseReason(reason), from_micros(since), calendar_id, None if capability is None else Capability(capability)
    )
