"""A page's incident: a stop by rule, from its first notice until it is over, and what a change owes to whom.

1. Within an incident nothing is told twice to the same recipient, by the same channel, for the same stage.
2. A stop that is told while an incident is open, because it went on through a stop by hand, is told once more: its
   stage names the revision.
3. When an incident closes, its end is owed to those who were, or may have been, told, by the channel that told them.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import Account
from calguard_server.domain.delivery import DeliveryState
from calguard_server.domain.notices import (
    Channel,
    IncidentStep,
    Notice,
    NoticeKind,
    NoticeReason,
    channels_to,
    decide_notices,
)
from calguard_server.domain.page import BookingPage


class Told(Struct, frozen=True):
    """What an incident owed a recipient, and what became of it; `doubtful`: it may have been received."""

    recipient_account_id: str
    channel: Channel
    stage: str
    state: DeliveryState
    doubtful: bool = False


class Incident(Struct, frozen=True, kw_only=True):
    """A stop by rule of a page, from its first notice until it is over."""

    id: str
    booking_page_id: str
    open_time: datetime
    close_time: datetime | None = None
    told: tuple[Told, ...] = ()


class Recipient(Struct, frozen=True):
    """Who is told, and by which channels: none where this server serves no channel that reaches the account."""

    account_id: str
    channels: tuple[Channel, ...]


class Owed(Struct, frozen=True):
    """A notice, and those whom it has not been told to before."""

    notice: Notice
    recipients: tuple[Recipient, ...]


class Telling(Struct, frozen=True):
    """What a change of a page means for its incident, and what is owed for it to whom."""

    reason: NoticeReason
    incident: IncidentStep
    owed: tuple[Owed, ...] = ()


def decide_telling(
    before: BookingPage | None,
    after: BookingPage,
    incident: Incident | None,
    accounts: Mapping[str, Account | None],
    served: frozenset[Channel],
) -> Telling:
    """Decide what is owed for a change of a page; `incident` is its open one.

    `before` is None for a page that was just created, `accounts` holds those that exist of its owner and members.
    """
    decision = decide_notices(before, after)
    if decision.incident is IncidentStep.CLOSE:
        return Telling(decision.reason, decision.incident, _end_of(incident))
    notices, told = decision.notices, () if incident is None else incident.told
    if decision.incident is IncidentStep.OPEN and incident is not None:
        notices = tuple(replace(each, stage=f"{each.stage}:{after.revision}") for each in notices)
    every = (Owed(each, _recipients(each, after, told, accounts, served)) for each in notices)
    owed = tuple(each for each in every if each.recipients)
    reason = NoticeReason.TOLD_ALREADY if notices and not owed else decision.reason
    return Telling(reason, decision.incident, owed)


def _recipients(
    notice: Notice,
    page: BookingPage,
    told: Iterable[Told],
    accounts: Mapping[str, Account | None],
    served: frozenset[Channel],
) -> tuple[Recipient, ...]:
    """Leave out who was told by every channel there is."""
    known = {(each.recipient_account_id, each.channel) for each in told if each.stage == notice.stage}
    found = []
    for account_id in notice.recipient_account_ids:
        channels = channels_to(accounts.get(account_id), page, served)
        fresh = tuple(each for each in channels if (account_id, each) not in known)
        if fresh or not channels:
            found.append(Recipient(account_id, fresh))
    return tuple(found)


def _end_of(incident: Incident | None) -> tuple[Owed, ...]:
    """Owe an incident's end to whom it reached: not to those whose notice was not tried, or was given up."""
    tried = (DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.RETRYING)
    channels: dict[str, dict[Channel, None]] = {}
    for each in () if incident is None else incident.told:
        if each.state in tried or each.doubtful:
            channels.setdefault(each.recipient_account_id, {})[each.channel] = None
    if not channels:
        return ()
    notice = Notice(NoticeKind.PAGE_RESTARTED, "restarted", tuple(channels), ())
    return (Owed(notice, tuple(Recipient(account_id, tuple(by)) for account_id, by in channels.items())),)
