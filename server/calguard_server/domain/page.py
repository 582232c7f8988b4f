"""The booking page: its phases, the table of its moves, and what its members' health does to it.

1. Two causes stop a page, apart from each other: the rule of its scheduling mode, and the owner's hand. A `PagePhase`
   tells which of them hold; `state`, `stop_cause` and `accepting` are read off it.
2. ALL_MEMBERS stops when any member is faulty; ANY_MEMBER and AUTO_ASSIGN when every one is. A page with no members
   never stops by rule.
3. A member is faulty when one of its links has check calendars and is FAILED. Being DEGRADED never stops a page.
4. When the rule no longer holds, the page starts again by itself, unless the owner stopped it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.account import SlackAddress
from calguard_server.domain.causes import Cause
from calguard_server.domain.events import Notability
from calguard_server.domain.link_state import CalendarLink, LinkState
from calguard_server.domain.machine import Move, TransitionTable


class SchedulingMode(StrEnum):
    """By which rule a page's members are referred to."""

    ALL_MEMBERS = "ALL_MEMBERS"
    ANY_MEMBER = "ANY_MEMBER"
    AUTO_ASSIGN = "AUTO_ASSIGN"


class FaultyMembers(StrEnum):
    """What AUTO_ASSIGN does with faulty members."""

    KEEP = "KEEP"
    SKIP = "SKIP"
    LAST_RESORT = "LAST_RESORT"


class AssignmentMethod(StrEnum):
    """How AUTO_ASSIGN chooses a member."""

    EVEN = "EVEN"
    PRIORITY = "PRIORITY"
    SEQUENTIAL = "SEQUENTIAL"


class PageState(StrEnum):
    """Whether a page works."""

    LINKED = "LINKED"
    DEGRADED = "DEGRADED"
    STOPPED = "STOPPED"


class StopCause(StrEnum):
    """Why a page is stopped."""

    NONE = "NONE"
    CALENDAR_FAILURE = "CALENDAR_FAILURE"
    OWNER = "OWNER"
    BOTH = "BOTH"


class PagePhase(StrEnum):
    """The states of the page's machine: the state, and for a stopped page why it is stopped."""

    LINKED = "LINKED"
    DEGRADED = "DEGRADED"
    STOPPED_BY_RULE = "STOPPED_BY_RULE"
    STOPPED_BY_OWNER = "STOPPED_BY_OWNER"
    STOPPED_BY_BOTH = "STOPPED_BY_BOTH"

    @property
    def state(self) -> "PageState":
        """Whether a page of this phase works."""
        return _STATE_OF[self][0]


class PageTrigger(StrEnum):
    """What moves a page."""

    ALL_WELL = "ALL_WELL"  # the rule holds no member against it, and all are healthy
    IMPAIRED = "IMPAIRED"  # the rule does not stop it, but a member is faulty or degraded
    RULE_STOPS = "RULE_STOPS"
    STOP_BY_HAND = "STOP_BY_HAND"
    RESUME_BY_HAND = "RESUME_BY_HAND"


_L, _D, _R, _O, _B = (phase.value for phase in PagePhase)

PAGE_TABLE = TransitionTable(
    "booking page",
    [phase.value for phase in PagePhase],
    _L,
    [
        (PageTrigger.ALL_WELL, _L, _L),
        (PageTrigger.ALL_WELL, _D, _L),
        (PageTrigger.ALL_WELL, _R, _L),
        (PageTrigger.ALL_WELL, _O, _O),
        (PageTrigger.ALL_WELL, _B, _O),
        (PageTrigger.IMPAIRED, _L, _D),
        (PageTrigger.IMPAIRED, _D, _D),
        (PageTrigger.IMPAIRED, _R, _D),
        (PageTrigger.IMPAIRED, _O, _O),
        (PageTrigger.IMPAIRED, _B, _O),
        (PageTrigger.RULE_STOPS, _L, _R),
        (PageTrigger.RULE_STOPS, _D, _R),
        (PageTrigger.RULE_STOPS, _R, _R),
        (PageTrigger.RULE_STOPS, _O, _B),
        (PageTrigger.RULE_STOPS, _B, _B),
        (PageTrigger.STOP_BY_HAND, _L, _O),
        (PageTrigger.STOP_BY_HAND, _D, _O),
        (PageTrigger.STOP_BY_HAND, _R, _B),
        (PageTrigger.RESUME_BY_HAND, _O, _L),
        (PageTrigger.RESUME_BY_HAND, _B, _R),
    ],
)

_STATE_OF = {
    PagePhase.LINKED: (PageState.LINKED, StopCause.NONE),
    PagePhase.DEGRADED: (PageState.DEGRADED, StopCause.NONE),
    PagePhase.STOPPED_BY_RULE: (PageState.STOPPED, StopCause.CALENDAR_FAILURE),
    PagePhase.STOPPED_BY_OWNER: (PageState.STOPPED, StopCause.OWNER),
    PagePhase.STOPPED_BY_BOTH: (PageState.STOPPED, StopCause.BOTH),
}


class Member(Struct, frozen=True):
    """Whose calendars a page refers to. The higher `priority` (0 to 1000), the earlier under PRIORITY."""

    account_id: str
    priority: int = 0


class Fault(Struct, frozen=True):
    """Why a member is faulty: its failed link, the one with the lowest id where several failed."""

    account_id: str
    calendar_link_id: str
    cause: Cause


class BookingPage(Struct, frozen=True, kw_only=True):
    """A booking page; `faulty` is in member order."""

    id: str
    owner_account_id: str
    title: str
    scheduling_mode: SchedulingMode
    members: tuple[Member, ...]
    faulty_members: FaultyMembers
    assignment_method: AssignmentMethod
    slack: SlackAddress
    phase: PagePhase
    faulty: tuple[Fault, ...]
    state_time: datetime
    revision: int
    create_time: datetime
    update_time: datetime

    @property
    def state(self) -> PageState:
        """Whether the page works."""
        return self.phase.state

    @property
    def stop_cause(self) -> StopCause:
        """Why the page is stopped."""
        return _STATE_OF[self.phase][1]

    @property
    def account_ids(self) -> tuple[str, ...]:
        """The accounts that the page concerns: its owner, then its members, each once."""
        return tuple(dict.fromkeys((self.owner_account_id, *(member.account_id for member in self.members))))

    @property
    def accepting(self) -> bool:
        """Whether the page takes new bookings."""
        return self.state is not PageState.STOPPED

    @property
    def stopped_by_rule(self) -> bool:
        """Whether the rule of its mode stops it, by itself or together with the owner's hand."""
        return self.stop_cause in (StopCause.CALENDAR_FAILURE, StopCause.BOTH)


class Condition(StrEnum):
    """How a member is, as far as the rules care."""

    HEALTHY = "HEALTHY"
    DEGRADED = "DEGRADED"
    FAULTY = "FAULTY"


class MemberHealth(Struct, frozen=True):
    """A member's condition; `fault` is set exactly when it is FAULTY."""

    account_id: str
    condition: Condition
    fault: Fault | None = None


class PageReason(StrEnum):
    """Why a decision was made."""

    NO_MEMBERS = "NO_MEMBERS"
    ALL_HEALTHY = "ALL_HEALTHY"
    MEMBER_DEGRADED = "MEMBER_DEGRADED"
    SOME_FAULTY = "SOME_FAULTY"
    ANY_FAULTY_STOPS = "ANY_FAULTY_STOPS"
    EVERY_FAULTY_STOPS = "EVERY_FAULTY_STOPS"


class PageVerdict(Struct, frozen=True):
    """What the rule of a scheduling mode says of the members as they are."""

    trigger: PageTrigger
    reason: PageReason


class PageDecision(Struct, frozen=True):
    """The page as it stands after a decision, why, and what of it is worth an event."""

    page: BookingPage
    reason: PageReason
    notability: Notability
    moves: tuple[Move, ...]


def member_health(account_id: str, links: Iterable[CalendarLink]) -> MemberHealth:
    """Tell how a member is, from all links of its account."""
    condition = Condition.HEALTHY
    for link in sorted(links, key=lambda each: each.id):
        if link.state is LinkState.FAILED and link.check_calendar_ids and link.cause is not None:
            return MemberHealth(account_id, Condition.FAULTY, Fault(account_id, link.id, link.cause))
        if link.in_use and link.state in (LinkState.DEGRADED, LinkState.FAILED):
            condition = Condition.DEGRADED
    return MemberHealth(account_id, condition)


def judge_members(mode: SchedulingMode, members: Sequence[MemberHealth]) -> PageVerdict:
    """Apply the rule of a scheduling mode."""
    if not members:
        return PageVerdict(PageTrigger.ALL_WELL, PageReason.NO_MEMBERS)
    faulty = sum(member.condition is Condition.FAULTY for member in members)
    if faulty and mode is SchedulingMode.ALL_MEMBERS:
        return PageVerdict(PageTrigger.RULE_STOPS, PageReason.ANY_FAULTY_STOPS)
    if faulty == len(members):
        return PageVerdict(PageTrigger.RULE_STOPS, PageReason.EVERY_FAULTY_STOPS)
    if faulty:
        return PageVerdict(PageTrigger.IMPAIRED, PageReason.SOME_FAULTY)
    if any(member.condition is Condition.DEGRADED for member in members):
        return PageVerdict(PageTrigger.IMPAIRED, PageReason.MEMBER_DEGRADED)
    return PageVerdict(PageTrigger.ALL_WELL, PageReason.ALL_HEALTHY)


class Hand(StrEnum):
    """What the owner does to a page, if anything."""

    NONE = "NONE"
    STOPS = "STOPS"
    RESUMES = "RESUMES"


def decide_page(
    page: BookingPage, members: Sequence[MemberHealth], now: datetime, hand: Hand = Hand.NONE
) -> PageDecision:
    """Decide what the members' health, and the owner's hand, do to a page. `members` is in the page's order.

    Raises IllegalTransitionError for stopping by hand what is stopped so, or resuming what is not.
    """
    verdict = judge_members(page.scheduling_mode, members)
    moves: list[Move] = []
    phase: str = page.phase
    for trigger in (*_triggers_of(hand), verdict.trigger):
        move = PAGE_TABLE.move(phase, trigger)
        moves.append(move)
        phase = move.dest
    faulty = tuple(member.fault for member in members if member.fault is not None)
    notability = _notability(page, PagePhase(phase), faulty)
    decided = page
    if notability.makes_event:
        changed = notability is Notability.STATE_CHANGED
        state_time = now if changed else page.state_time
        decided = replace(page, phase=PagePhase(phase), faulty=faulty, update_time=now, state_time=state_time)
    return PageDecision(decided, verdict.reason, notability, tuple(moves))


def _triggers_of(hand: Hand) -> tuple[PageTrigger, ...]:
    match hand:
        case Hand.NONE:
            return ()
        case Hand.STOPS:
            return (PageTrigger.STOP_BY_HAND,)
        case Hand.RESUMES:
            return (PageTrigger.RESUME_BY_HAND,)
        case _:
            assert_never(hand)


def _notability(page: BookingPage, phase: PagePhase, faulty: tuple[Fault, ...]) -> Notability:
    if page.phase is not phase:
        return Notability.STATE_CHANGED
    return Notability.UPDATED if page.faulty != faulty else Notability.NONE
