"""A page's incident: a stop by rule, from its first notice until it is over, and what a change owes to whom.

1. Within an incident nothing is told twice to the same recipient, by the same channel, for the same stage. What was
   dropped before it was told does not count: it is owed again when its occasion comes again, under a stage that names
   the revision.
2. A stop that is told while an incident is open, because it went on through a stop by hand, is told once more, under
   such a stage too. A new owner is not told of a stop that reached them before, under whichever of its stages.
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
    """What an incident owed a recipient, and what became of it; `doubtful`: it may have been received.

    `silenced`: it was dropped for a silence; `named` are then the accounts at fault that it names.
    """

    recipient_account_id: str
    channel: Channel
    stage: str
    state: DeliveryState
    doubtful: bool = False
    silenced: bool = False
    named: tuple[str, ...] = ()

    @property
    def dropped(self) -> bool:
        """Whether it was dropped without having been told."""
        return self.state is DeliveryState.SUPPRESSED and not self.doubtful


class Incident(Struct, frozen=True, kw_only=True):
    """A stop by rule of a page, or a link's failure that is told, from its first notice until it is over.

    `booking_page_id` is empty for a link's, `calendar_link_id` for a page's. `reminder_time` is when the next is due,
    `silenced_time` when what a silence held back is looked at again.
    """

    id: str
    booking_page_id: str
    open_time: datetime
    calendar_link_id: str = ""
    close_time: datetime | None = None
    reminder_time: datetime | None = None
    silenced_time: datetime | None = None
    told: tuple[Told, ...] = ()

    def closed(self, now: datetime) -> "Incident":
        """Answer it as over."""
        return replace(self, close_time=now, reminder_time=None, silenced_time=None)


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
        notice = Notice(NoticeKind.PAGE_RESTARTED, "restarted", (), ())
        return Telling(decision.reason, decision.incident, end_of(incident, notice))
    told = () if incident is None else incident.told
    afresh = decision.incident is IncidentStep.OPEN
    every = (_owed(each, after, () if afresh else told, accounts, served) for each in decision.notices)
    owed = tuple(_with_own_stage(each, told, after.revision) for each in every if each.recipients)
    reason = NoticeReason.TOLD_ALREADY if decision.notices and not owed else decision.reason
    return Telling(reason, decision.incident, owed)


def _owed(
    notice: Notice,
    page: BookingPage,
    told: Iterable[Told],
    accounts: Mapping[str, Account | None],
    served: frozenset[Channel],
) -> Owed:
    """Leave out who was told by every channel there is."""
    known = {
        (each.recipient_account_id, each.channel)
        for each in told
        if not each.dropped and _is_of(each.stage, notice.stage)
    }
    found = []
    for account_id in notice.recipient_account_ids:
        channels = channels_to(accounts.get(account_id), page, served)
        fresh = tuple(each for each in channels if (account_id, each) not in known)
        if fresh or not channels:
            found.append(Recipient(account_id, fresh))
    return Owed(notice, tuple(found))


def _is_of(stage: str, first: str) -> bool:
    """Tell whether a stage is another one's, or that one with a revision."""
    return stage == first or stage.startswith(f"{first}:")


def _with_own_stage(owed: Owed, told: Iterable[Told], revision: int) -> Owed:
    """Have a stage name the revision where it was decided for one of the recipients before, so that it is another."""
    notice = owed.notice
    places = {(recipient.account_id, channel) for recipient in owed.recipients for channel in recipient.channels}
    if any(each.stage == notice.stage and (each.recipient_account_id, each.channel) in places for each in told):
        return replace(owed, notice=replace(notice, stage=f"{notice.stage}:{revision}"))
    return owed


def end_of(incident: Incident | None, notice: Notice) -> tuple[Owed, ...]:
    """Owe an incident's end to whom it reached: not to those whose notice was not tried, or was given up."""
    tried = (DeliveryState.SENT, DeliveryState.SENDING, DeliveryState.RETRYING)
    channels: dict[str, dict[Channel, None]] = {}
    for each in () if incident is None else incident.told:
        if each.state in tried or each.doubtful:
            channels.setdefault(each.recipient_account_id, {})[each.channel] = None
    if not channels:
        return ()
    notice = replace(notice, recipient_account_ids=tuple(channels))
    return (Owed(notice, tuple(Recipient(account_id, tuple(by)) for account_id, by in channels.items())),)
