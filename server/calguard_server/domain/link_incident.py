"""A link's incident: a failure that is told to the link's account although it stops no page, until it is over.

1. It is told to accounts that ask for it (LinkAlerts.ALWAYS), when the link fails and none of the account's pages is
   told of to them for it, in the same transaction. Once an incident: until the link has left FAILED.
2. When the link can be read again, those who were told are told so. When it is disconnected or deleted, nobody is.
3. While a provider's incident holds a link it does not fail, so nothing is told.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account, LinkAlerts, SlackAddress
from calguard_server.domain.delivery import Delivery, SuppressReason
from calguard_server.domain.follow_up import FollowUp, FollowUpReason, Situation, held_back
from calguard_server.domain.incident import Incident, Owed, Recipient, end_of
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, IncidentStep, Notice, NoticeKind, channels_of
from calguard_server.domain.page import Fault
from calguard_server.domain.silence import last_silenced


class LinkTellingReason(StrEnum):
    """Why a change of a link is told to its account, or not."""

    FAILED = "FAILED"
    NOT_ASKED_FOR = "NOT_ASKED_FOR"
    TOLD_BY_PAGES = "TOLD_BY_PAGES"
    MENDED = "MENDED"
    ENDED = "ENDED"
    UNCHANGED = "UNCHANGED"


class LinkTelling(Struct, frozen=True):
    """What a change of a link means for its incident, and what is owed to whom."""

    reason: LinkTellingReason
    incident: IncidentStep = IncidentStep.KEEP
    owed: tuple[Owed, ...] = ()


def decide_link_telling(
    before: CalendarLink,
    after: CalendarLink | None,
    incident: Incident | None,
    account: Account | None,
    served: frozenset[Channel],
    *,
    told_by_pages: bool,
) -> LinkTelling:
    """Decide what is owed for a change of a link; `incident` is its open one, `after` None where it was deleted.

    `told_by_pages`: its account is told of a page for it, by the same change.
    """
    if after is None or after.state is LinkState.STOPPED:
        step = IncidentStep.KEEP if incident is None else IncidentStep.CLOSE
        return LinkTelling(LinkTellingReason.ENDED, step)
    if after.state is not LinkState.FAILED:
        return _not_failed(before, incident)
    if before.state is LinkState.FAILED or incident is not None:
        return LinkTelling(LinkTellingReason.UNCHANGED)
    if account is None or account.link_alerts is not LinkAlerts.ALWAYS:
        return LinkTelling(LinkTellingReason.NOT_ASKED_FOR)
    if told_by_pages:
        return LinkTelling(LinkTellingReason.TOLD_BY_PAGES)
    notice = Notice(NoticeKind.LINK_FAILED, "failed", (account.id,), _faults(after))
    recipient = Recipient(account.id, channels_of(account, SlackAddress(), served))
    return LinkTelling(LinkTellingReason.FAILED, IncidentStep.OPEN, (Owed(notice, (recipient,)),))


def _not_failed(before: CalendarLink, incident: Incident | None) -> LinkTelling:
    if incident is None:
        return LinkTelling(LinkTellingReason.UNCHANGED)
    owed = end_of(incident, Notice(NoticeKind.LINK_RECOVERED, "recovered", (), _faults(before)))
    return LinkTelling(LinkTellingReason.MENDED, IncidentStep.CLOSE, owed)


def _faults(link: CalendarLink) -> tuple[Fault, ...]:
    return () if link.cause is None else (Fault(link.account_id, link.id, link.cause),)


def link_suppress_reason(
    delivery: Delivery, link: CalendarLink | None, recipient: Account, *, told: bool
) -> SuppressReason | None:
    """Tell why a link's notice is no longer true or owed; None where it is. `told` as for a page's."""
    if link is None:
        return SuppressReason.LINK_GONE
    failed = link.state is LinkState.FAILED
    if delivery.kind is NoticeKind.LINK_RECOVERED:
        if failed:
            return SuppressReason.FAILED_AGAIN
        return None if told else SuppressReason.NEVER_TOLD
    if delivery.incident_closed or not failed:
        return SuppressReason.INCIDENT_OVER
    return None if recipient.link_alerts is LinkAlerts.ALWAYS else SuppressReason.NOT_WANTED


def decide_link_follow_up(
    incident: Incident, link: CalendarLink, account: Account | None, situation: Situation
) -> FollowUp:
    """Decide what a link's open incident owes now that a silence may be over."""
    wanted = account is not None and account.link_alerts is LinkAlerts.ALWAYS
    silent = replace(incident, silenced_time=None)
    if account is None or not wanted or link.state is not LinkState.FAILED:
        return FollowUp(FollowUpReason.NOT_DUE, silent)
    faults = _faults(link)
    until = last_silenced("", account.id, faults, situation.silences, situation.now)
    if until is not None:
        return FollowUp(FollowUpReason.STILL_SILENCED, replace(incident, silenced_time=until))
    channels = channels_of(account, SlackAddress(), situation.served)
    held = [each.channel for each in held_back(incident.told) if each.channel in channels]
    notice = Notice(NoticeKind.LINK_FAILED, f"failed:silenced:{len(incident.told)}", (account.id,), faults)
    owed = (Owed(notice, (Recipient(account.id, tuple(held)),)),) if held else ()
    return FollowUp(FollowUpReason.SILENCE_OVER if owed else FollowUpReason.NOT_DUE, silent, owed)


def opened(incident_id: str, link: CalendarLink, now: datetime) -> Incident:
    """Open a link's incident."""
    return Incident(id=incident_id, booking_page_id="", calendar_link_id=link.id, open_time=now)
