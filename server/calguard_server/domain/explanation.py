"""Why a page stands as it does, what would stop it, and who would be told; or the same under assumptions.

1. No rule is here. `member_health` judges the members, `decide_page` the page and `decide_telling` who is told: what
   decides when it happens decides here too, so that the two cannot disagree.
2. An assumption goes before what is known of a member's links; one that is faulty anyway keeps its fault. An account
   that is assumed faulty need not have a link: where a decision takes a fault, one is made up, and goes no further.
3. A member is one failure from stopping the page where the rule does not stop the page, and would if that member were
   faulty besides. A stop by hand does not count: it shows what would keep the page stopped when it is resumed.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.account import Account
from calguard_server.domain.causes import Cause, CauseReason
from calguard_server.domain.incident import Incident, Owed, Recipient, decide_telling
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.notices import Channel, NoticeKind, NoticeReason
from calguard_server.domain.page import (
    BookingPage,
    Condition,
    Fault,
    MemberHealth,
    PageReason,
    PageState,
    StopCause,
    decide_page,
    member_health,
)


class Standing(Struct, frozen=True):
    """What an explanation rests on, as it stood at one revision.

    `links` has the members' links by account, each in the order of ids, `accounts` the owner and the members. `served`
    are the channels that this server can use.
    """

    page: BookingPage
    links: Mapping[str, Sequence[CalendarLink]]
    incident: Incident | None
    accounts: Mapping[str, Account | None]
    served: frozenset[Channel]
    revision: int = 0


class Assumptions(Struct, frozen=True):
    """Which members are taken for faulty, and which for healthy, whatever their links are; no account is in both."""

    faulty: frozenset[str] = frozenset()
    healthy: frozenset[str] = frozenset()


class MemberReason(StrEnum):
    """Why a member is in the condition that it is."""

    NO_LINK = "NO_LINK"
    DISCONNECTED = "DISCONNECTED"
    NO_CHECK_CALENDAR = "NO_CHECK_CALENDAR"
    LINKS_FINE = "LINKS_FINE"
    LINK_DEGRADED = "LINK_DEGRADED"
    ADDING_FAILED = "ADDING_FAILED"
    LINK_FAILED = "LINK_FAILED"
    ASSUMED_FAULTY = "ASSUMED_FAULTY"
    ASSUMED_HEALTHY = "ASSUMED_HEALTHY"

    @property
    def assumed(self) -> bool:
        """Whether it is the caller who says so."""
        return self in (MemberReason.ASSUMED_FAULTY, MemberReason.ASSUMED_HEALTHY)


class ExplainedVerdict(Struct, frozen=True):
    """Where the rule, and the owner's hand, put a page; `reason` is the rule's."""

    state: PageState
    accepting: bool
    stop_cause: StopCause
    reason: PageReason


class ExplainedMember(Struct, frozen=True):
    """A member's condition and why; `calendar_link_id` is the link that the reason is about, `cause` what it has."""

    account_id: str
    condition: Condition
    reason: MemberReason
    calendar_link_id: str
    cause: Cause | None
    one_failure_from_stopping: bool


class ExplainedNotice(Struct, frozen=True):
    """A notice that would be owed: to whom, by which channels, and about which faulty members."""

    kind: NoticeKind
    recipients: tuple[Recipient, ...]
    faulty_account_ids: tuple[str, ...]


class Explanation(Struct, frozen=True):
    """The page as it stands, where it would stand, why, and who would be told if it went there now."""

    page: BookingPage
    verdict: ExplainedVerdict
    members: tuple[ExplainedMember, ...]
    notices: tuple[ExplainedNotice, ...]
    notice_reason: NoticeReason
    revision: int


def explain_page(standing: Standing, assumed: Assumptions, now: datetime) -> Explanation:
    """Explain a page under assumptions; without any, as it stands."""
    page, ids = standing.page, [member.account_id for member in standing.page.members]
    healths = [_health(each, standing.links.get(each, ()), assumed, now) for each in ids]
    decision = decide_page(page, healths, now)
    telling = decide_telling(page, decision.page, standing.incident, standing.accounts, standing.served)
    return Explanation(
        page,
        _verdict(decision.page, decision.reason),
        tuple(_member(standing, assumed, decision.page, healths, index, now) for index in range(len(ids))),
        tuple(_notice(each) for each in telling.owed),
        telling.reason,
        standing.revision,
    )


def _health(account_id: str, links: Sequence[CalendarLink], assumed: Assumptions, now: datetime) -> MemberHealth:
    if account_id in assumed.healthy:
        return MemberHealth(account_id, Condition.HEALTHY)
    health = member_health(account_id, links)
    if account_id in assumed.faulty and health.condition is not Condition.FAULTY:
        return _made_up(account_id, now)
    return health


def _made_up(account_id: str, now: datetime) -> MemberHealth:
    """Make a member faulty for the sake of a decision: of its fault, only whose it is counts."""
    return MemberHealth(account_id, Condition.FAULTY, Fault(account_id, "", Cause(CauseReason.NETWORK_ERROR, now)))


def _verdict(page: BookingPage, reason: PageReason) -> ExplainedVerdict:
    return ExplainedVerdict(page.state, page.accepting, page.stop_cause, reason)


def _member(
    standing: Standing,
    assumed: Assumptions,
    page: BookingPage,
    healths: Sequence[MemberHealth],
    index: int,
    now: datetime,
) -> ExplainedMember:
    health = healths[index]
    reason, link = _reason(health, standing.links.get(health.account_id, ()), assumed)
    return ExplainedMember(
        health.account_id,
        health.condition,
        reason,
        "" if link is None else link.id,
        None if link is None else link.cause,
        _one_failure_stops(page, healths, index, now),
    )


def _one_failure_stops(page: BookingPage, healths: Sequence[MemberHealth], index: int, now: datetime) -> bool:
    """Have the page decided with one more member faulty."""
    health = healths[index]
    if page.stopped_by_rule or health.condition is Condition.FAULTY:
        return False
    failed = (*healths[:index], _made_up(health.account_id, now), *healths[index + 1 :])
    return decide_page(page, failed, now).page.stopped_by_rule


def _reason(
    health: MemberHealth, links: Sequence[CalendarLink], assumed: Assumptions
) -> tuple[MemberReason, CalendarLink | None]:
    """Name why a member is as it was judged, and the link that the reason is about."""
    if health.account_id in assumed.faulty:
        return MemberReason.ASSUMED_FAULTY, None
    if health.account_id in assumed.healthy:
        return MemberReason.ASSUMED_HEALTHY, None
    if health.condition is Condition.HEALTHY:
        return _why_healthy(links)
    alone = (link for link in links if member_health(health.account_id, [link]).condition is health.condition)
    link = next(alone)
    match health.condition:
        case Condition.DEGRADED if link.state is LinkState.FAILED:
            return MemberReason.ADDING_FAILED, link
        case Condition.DEGRADED:
            return MemberReason.LINK_DEGRADED, link
        case Condition.FAULTY:
            return MemberReason.LINK_FAILED, link
        case _:
            assert_never(health.condition)


def _why_healthy(links: Sequence[CalendarLink]) -> tuple[MemberReason, CalendarLink | None]:
    connected = [link for link in links if link.state is not LinkState.STOPPED]
    if not links:
        return MemberReason.NO_LINK, None
    if not connected:
        return MemberReason.DISCONNECTED, links[0]
    if not any(link.check_calendar_ids for link in connected):
        return MemberReason.NO_CHECK_CALENDAR, connected[0]
    return MemberReason.LINKS_FINE, None


def _notice(owed: Owed) -> ExplainedNotice:
    named = tuple(fault.account_id for fault in owed.notice.faults)
    return ExplainedNotice(owed.notice.kind, owed.recipients, named)
