"""Who is told what, by scheduling mode.

1. A stop by rule opens an incident and tells the page's owner and every account at fault.
2. On an ALL_MEMBERS page that is stopped by rule already, each further faulty member is told of, to the owner and that
   account. ANY_MEMBER and AUTO_ASSIGN tell once, when the last healthy member is lost. Whoever becomes the owner of
   a page that is stopped by rule is told of the stop.
3. When the page accepts bookings again, the incident closes and those who were told are told so.
4. While a page is stopped by hand nobody is told anything; a resume that leaves it stopped by rule is told like a
   stop, because the rule is applied afresh. An incident that was open before goes on: whoever was told of it is told
   of its end.
5. AUTO_ASSIGN besides tells the owner and the faulty account each time an appointment is assigned to a faulty member;
   and the owner, once the calendars can be read again, of what is in the way of such appointments.
6. Whoever is both owner and at fault is one recipient.

A notice names a `stage`: within an incident, nothing is told twice to the same recipient for the same stage.
"""

from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.account import Account, SlackAddress
from calguard_server.domain.account import Channel as Channel  # whoever handles notices finds it here
from calguard_server.domain.page import BookingPage, Fault, PagePhase, SchedulingMode
from calguard_server.domain.slack_workspace import DEFAULT_WORKSPACE


class NoticeKind(StrEnum):
    """The names are part of the contract."""

    PAGE_STOPPED = "PAGE_STOPPED"
    MEMBER_FAULTY = "MEMBER_FAULTY"
    ASSIGNED_TO_FAULTY = "ASSIGNED_TO_FAULTY"
    PAGE_RESTARTED = "PAGE_RESTARTED"
    REMINDER = "REMINDER"
    OPERATOR_ALERT = "OPERATOR_ALERT"
    LINK_FAILED = "LINK_FAILED"
    LINK_RECOVERED = "LINK_RECOVERED"
    APPOINTMENT_CONFLICT = "APPOINTMENT_CONFLICT"

    @property
    def of_link(self) -> bool:
        """Whether it tells of a link, and not of a page."""
        return self in (NoticeKind.LINK_FAILED, NoticeKind.LINK_RECOVERED)

    @property
    def ends_incident(self) -> bool:
        """Whether it tells that what was told before is over."""
        return self in (NoticeKind.PAGE_RESTARTED, NoticeKind.LINK_RECOVERED)


class NoticeReason(StrEnum):
    """Why a decision about notices was made."""

    STOPPED_BY_RULE = "STOPPED_BY_RULE"
    ANOTHER_MEMBER_FAULTY = "ANOTHER_MEMBER_FAULTY"
    NEW_OWNER = "NEW_OWNER"
    ACCEPTING_AGAIN = "ACCEPTING_AGAIN"
    STOPPED_BY_HAND = "STOPPED_BY_HAND"
    NOT_STOPPED = "NOT_STOPPED"
    TOLD_ALREADY = "TOLD_ALREADY"
    UNCHANGED = "UNCHANGED"


class IncidentStep(StrEnum):
    """What becomes of a page's incident."""

    KEEP = "KEEP"
    OPEN = "OPEN"  # one that is still open goes on
    CLOSE = "CLOSE"  # and those who were told are told that it is over


STOPPED = "stopped"
"""The stage of a stop; further stages of it carry a revision behind a colon."""


_ASSIGNED, _CONFLICT = "assigned:", "conflict:"
"""How the stage of a notice of an appointment begins; the appointment's id follows, up to a colon or the end."""


def appointment_of(stage: str) -> str:
    """Name the appointment that a stage is about; empty where it is about none."""
    if not stage.startswith((_ASSIGNED, _CONFLICT)):
        return ""
    return stage.split(":")[1]


class Notice(Struct, frozen=True):
    """One thing to tell, to some accounts. `faults` are the members it names, `stage` says which of its kind it is."""

    kind: NoticeKind
    stage: str
    recipient_account_ids: tuple[str, ...]
    faults: tuple[Fault, ...]


class NoticeDecision(Struct, frozen=True):
    """What a change of a page means for its incident, and whom it is told to."""

    reason: NoticeReason
    incident: IncidentStep = IncidentStep.KEEP
    notices: tuple[Notice, ...] = ()


def decide_notices(before: BookingPage | None, after: BookingPage) -> NoticeDecision:
    """Decide who is told of a change of a page; `before` is None for a page that was just created."""
    if after.phase in (PagePhase.STOPPED_BY_OWNER, PagePhase.STOPPED_BY_BOTH):
        return NoticeDecision(NoticeReason.STOPPED_BY_HAND)
    if before == after:
        return NoticeDecision(NoticeReason.UNCHANGED)
    if after.phase is not PagePhase.STOPPED_BY_RULE:
        if before is None or before.accepting:
            return NoticeDecision(NoticeReason.NOT_STOPPED)
        return NoticeDecision(NoticeReason.ACCEPTING_AGAIN, IncidentStep.CLOSE)
    if before is None or before.phase is not PagePhase.STOPPED_BY_RULE:
        recipients = recipients_of(after, after.faulty)
        return NoticeDecision(NoticeReason.STOPPED_BY_RULE, IncidentStep.OPEN, (_page_stopped(after, recipients),))
    return _still_stopped(before, after)


def decide_assignment_notice(page: BookingPage, account_id: str, appointment_id: str) -> Notice | None:
    """Decide whether an appointment's assignment to a member is told: only AUTO_ASSIGN, only to a faulty member."""
    faults = tuple(fault for fault in page.faulty if fault.account_id == account_id)
    if page.scheduling_mode is not SchedulingMode.AUTO_ASSIGN or not faults:
        return None
    recipients = recipients_of(page, faults)
    return Notice(NoticeKind.ASSIGNED_TO_FAULTY, f"{_ASSIGNED}{appointment_id}", recipients, faults)


def conflict_notice(page: BookingPage, appointment_id: str, assign_time: datetime) -> Notice:
    """Tell the owner of what is in an appointment's way: once for each time that it was assigned."""
    stage = f"{_CONFLICT}{appointment_id}:{int(assign_time.timestamp())}"
    return Notice(NoticeKind.APPOINTMENT_CONFLICT, stage, (page.owner_account_id,), ())


def _page_stopped(page: BookingPage, recipients: tuple[str, ...]) -> Notice:
    return Notice(NoticeKind.PAGE_STOPPED, STOPPED, recipients, page.faulty)


def _still_stopped(before: BookingPage, after: BookingPage) -> NoticeDecision:
    """Tell a new owner of the stop; then of each member that is faulty only now, where the mode tells of each."""
    others = _others_faulty(before, after)
    if before.owner_account_id == after.owner_account_id:
        reason = NoticeReason.ANOTHER_MEMBER_FAULTY if others else NoticeReason.TOLD_ALREADY
        return NoticeDecision(reason, notices=others)
    return NoticeDecision(NoticeReason.NEW_OWNER, notices=(_page_stopped(after, (after.owner_account_id,)), *others))


def _others_faulty(before: BookingPage, after: BookingPage) -> tuple[Notice, ...]:
    if after.scheduling_mode is not SchedulingMode.ALL_MEMBERS:
        return ()
    known = {fault.account_id for fault in before.faulty}
    return tuple(
        Notice(NoticeKind.MEMBER_FAULTY, f"faulty:{fault.account_id}", recipients_of(after, (fault,)), (fault,))
        for fault in after.faulty
        if fault.account_id not in known
    )


def recipients_of(page: BookingPage, faults: tuple[Fault, ...]) -> tuple[str, ...]:
    """Name the owner first, then the accounts at fault, each once."""
    return tuple(dict.fromkeys((page.owner_account_id, *(fault.account_id for fault in faults))))


def slack_address_of(account: Account, page_slack: SlackAddress) -> SlackAddress:
    """Answer where an account is told in Slack: as its owner's, the page's address (`page_slack`) goes first."""
    return page_slack if page_slack.reaches_somebody else account.slack


def channels_of(account: Account, page_slack: SlackAddress, served: frozenset[Channel]) -> tuple[Channel, ...]:
    """Name the channels by which an account can, and may, be told, among those that this server serves.

    Slack needs an address of the person's, or of the page's where the person is its owner (`page_slack`), or an e-mail
    address to look the person up by. `served` has it for the workspace of the settings; any other serves itself.
    """
    wanted = (channel for channel in Channel if account.may_be_told_by(channel))
    return tuple(channel for channel in wanted if _reaches(channel, account, page_slack, served))


def _reaches(channel: Channel, account: Account, page_slack: SlackAddress, served: frozenset[Channel]) -> bool:
    match channel:
        case Channel.EMAIL:
            return channel in served and bool(account.email)
        case Channel.SLACK:
            slack = slack_address_of(account, page_slack)
            elsewhere = slack.workspace_id not in ("", DEFAULT_WORKSPACE)
            return (channel in served or elsewhere) and (bool(account.email) or slack.reaches_somebody)
        case Channel.WEBHOOK:
            return channel in served and bool(account.webhook.url)
        case _:
            assert_never(channel)


def channels_to(account: Account | None, page: BookingPage, served: frozenset[Channel]) -> tuple[Channel, ...]:
    """Name the channels by which a recipient of a page's notices can be told; none where the account is gone."""
    if account is None:
        return ()
    slack = page.slack if account.id == page.owner_account_id else SlackAddress()
    return channels_of(account, slack, served)
