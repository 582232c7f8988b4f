"""Choosing who gets an appointment, of what is in a transaction and of what calendars answered right before it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from calguard_server.domain.appointment import Appointment, Assignee
from calguard_server.domain.assignment import Candidate, Refusal, Standing, assign
from calguard_server.domain.availability import MemberTime, is_free
from calguard_server.domain.entries import new_entry
from calguard_server.domain.errors import FailedPreconditionError, FieldViolation, InvalidArgumentError, named_ids
from calguard_server.domain.intervals import Interval
from calguard_server.domain.notices import decide_assignment_notice
from calguard_server.domain.page import BookingPage, SchedulingMode
from calguard_server.domain.turns import Turns
from calguard_server.engine.context import Context
from calguard_server.engine.owing import owe_of_appointment
from calguard_server.engine.ports.chance import NewId
from calguard_server.engine.seeds import KeepingSeed, Seeds, TurnsSeed
from calguard_server.engine.working_set import WorkingSet


class Asked(Struct, frozen=True):
    """How members stood to a time when they were looked at; who is not in it was not looked at."""

    time: Interval
    standings: Mapping[str, Standing]

    @classmethod
    def of(cls, time: Interval, faulty: Iterable[str], answers: Iterable[MemberTime]) -> "Asked":
        """Take in what calendars answered; those of faulty members were not asked."""
        standings = dict.fromkeys(faulty, Standing.FAULTY)
        return cls(time, standings | {each.account_id: _stands(each, time) for each in answers})

    def seeds(self, page_id: str, since: datetime) -> Seeds:
        """Answer what a transaction needs to choose among them; what was assigned after `since` counts."""
        keeping = KeepingSeed(tuple(sorted(self.standings)), self.time)
        return Seeds(pages=(page_id,), keeping=(keeping,), turns=(TurnsSeed(page_id, since),))


class Wish(Struct, frozen=True):
    """Whom an appointment is wished for; empty: nobody. `holders` have it, and do not get it again."""

    account_id: str = ""
    appointment_id: str = ""
    holders: tuple[str, ...] = ()


def event_id(new_id: NewId) -> str:
    """Make an id that Google takes for an event, of `0-9a-v` only, whatever ids look like."""
    return "cg" + hashlib.sha256(new_id("event").encode()).hexdigest()[:30]


def require_wishable(page: BookingPage, account_id: str) -> None:
    """Refuse a wish for a member where the page's mode takes none. Raises InvalidArgumentError."""
    if account_id and page.scheduling_mode is not SchedulingMode.ANY_MEMBER:
        expected = f"expected nothing: booking page {page.id} is {page.scheduling_mode}, and only ANY_MEMBER takes one"
        raise InvalidArgumentError.of_fields(FieldViolation("account_id", expected))


def choose(rows: WorkingSet, page: BookingPage, asked: Asked, wish: Wish) -> tuple[str, ...]:
    """Answer who gets an appointment. Raises FailedPreconditionError with the name of the refusal."""
    turns = rows.turns.get(page.id, Turns())
    faulty = {fault.account_id for fault in page.faulty}
    candidates = [
        Candidate(
            account_id=member.account_id,
            standing=_standing(rows, member.account_id, asked, faulty, wish),
            priority=member.priority,
            assigned=turns.of(member.account_id).assigned,
            last_assigned=turns.of(member.account_id).last_assigned,
        )
        for member in page.members
    ]
    others = [each for each in candidates if each.account_id not in wish.holders]
    # Who has it keeps a place in the order, so that the next in turn is the next after them.
    chosen = assign(page, candidates, wish.account_id, turns.last_account_id) if others else Refusal.NO_MEMBERS
    if isinstance(chosen, Refusal):
        raise _refused(page, chosen, others, wish)
    return chosen


def _stands(member: MemberTime, time: Interval) -> Standing:
    if member.busy is None:
        return Standing.UNKNOWN
    return Standing.FREE if is_free(member, time) else Standing.BUSY


def _standing(rows: WorkingSet, account_id: str, asked: Asked, faulty: set[str], wish: Wish) -> Standing:
    known = asked.standings.get(account_id, Standing.UNKNOWN)
    if account_id in wish.holders or known is Standing.BUSY:
        return Standing.BUSY
    if account_id not in asked.standings:
        return Standing.UNKNOWN
    if rows.keeps(account_id, asked.time, besides=wish.appointment_id):
        return Standing.BUSY
    if account_id in faulty:
        return Standing.FAULTY
    return Standing.UNKNOWN if known is Standing.FAULTY else known


def _refused(
    page: BookingPage, refusal: Refusal, candidates: Sequence[Candidate], wish: Wish
) -> FailedPreconditionError:
    metadata = {"id": page.id}
    if refusal is not Refusal.TIME_UNKNOWN:
        return FailedPreconditionError(refusal.value, _words(page, refusal, wish), metadata=metadata)
    asked = [each for each in candidates if wish.account_id in ("", each.account_id)]
    faulty = [each.account_id for each in asked if each.standing is Standing.FAULTY]
    silent = [each.account_id for each in asked if each.standing is Standing.UNKNOWN]
    unknown = [each.account_id for each in asked if each.account_id in (*faulty, *silent)]
    metadata |= {"unknown_account_ids": named_ids(unknown), "faulty_account_ids": named_ids(faulty)}
    return FailedPreconditionError(
        refusal.value, f"{_words(page, refusal, wish)}: {_who_mends(faulty, silent)}", metadata=metadata
    )


def _who_mends(faulty: Sequence[str], silent: Sequence[str]) -> str:
    """Say whose calendars cannot be read, and what becomes of that."""
    told = []
    if faulty:
        told.append(
            "calendars failed, and these accounts reconnect them, whom the page's owner may ask to "
            f"({named_ids(faulty)})"
        )
    if silent:
        told.append(
            "calendars of these accounts could not be read just now, and are checked: repeat the call in a moment; "
            f"where that lasts, they reconnect them ({named_ids(silent)})"
        )
    return "; ".join(told)


def _words(page: BookingPage, refusal: Refusal, wish: Wish) -> str:
    whom = f"account {wish.account_id}" if wish.account_id else f"the members of booking page {page.id}"
    match refusal:
        case Refusal.NO_MEMBERS:
            return f"booking page {page.id} has no {'other ' if wish.holders else ''}members"
        case Refusal.NOT_A_MEMBER:
            return f"{whom} is not a member of booking page {page.id}"
        case Refusal.TIME_NOT_FREE:
            return f"that time is not free for {whom}: choose another {'member' if wish.holders else 'time'}"
        case Refusal.TIME_UNKNOWN:
            return f"it is not known whether that time is free for {whom}"


def assignees(
    rows: WorkingSet, context: Context, page: BookingPage, account_ids: Sequence[str], now: datetime
) -> tuple[Assignee, ...]:
    """Answer accounts as those who have an appointment from now on, each with an entry to be added."""
    faulty = {fault.account_id for fault in page.faulty}
    return tuple(
        Assignee(
            account_id=each,
            faulty=each in faulty,
            entry=new_entry(each, event_id(context.new_id), rows.links_of_account(each), now),
            assign_time=now,
        )
        for each in account_ids
    )


def tell_of_faulty(
    rows: WorkingSet, context: Context, page: BookingPage, appointment: Appointment, now: datetime
) -> None:
    """Owe the notices of an appointment that was assigned to a faulty member just now."""
    for each in appointment.assignees:
        notice = decide_assignment_notice(page, each.account_id, appointment.id)
        if notice is not None:
            owe_of_appointment(rows, context, page, appointment, notice, now)


def as_one_in_turn(page: BookingPage) -> BookingPage:
    """Answer a page as it chooses by its assignment method, whatever its mode."""
    return replace(page, scheduling_mode=SchedulingMode.AUTO_ASSIGN)


def as_wished(page: BookingPage) -> BookingPage:
    """Answer a page as it takes who is wished, whatever its mode."""
    return replace(page, scheduling_mode=SchedulingMode.ANY_MEMBER)
