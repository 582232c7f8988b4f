"""Who gets an appointment.

1. ALL_MEMBERS takes everybody, ANY_MEMBER the one who was named or the first in member order, AUTO_ASSIGN one by the
   page's method.
2. EVEN takes whoever has the fewest appointments in the window of counting; of equals, the one whose last assignment
   is the longest ago. PRIORITY takes the highest priority, of equals as EVEN does. SEQUENTIAL takes the next in member
   order after whoever was assigned last. What is equal still goes by member order: the choice depends on nothing else.
3. Nobody is taken whose time is not known to be free, but for faulty members under AUTO_ASSIGN: their calendars cannot
   be read, and KEEP has them take their turn like anybody; LAST_RESORT only where nobody else is left; SKIP never.
4. Nobody is taken who has another appointment at that time, faulty or not.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from msgspec import Struct

from calguard_server.domain.page import AssignmentMethod, BookingPage, FaultyMembers, SchedulingMode


class Standing(StrEnum):
    """How a member stands to a time."""

    FREE = "FREE"
    BUSY = "BUSY"
    UNKNOWN = "UNKNOWN"
    FAULTY = "FAULTY"  # no calendar can be looked at; no appointment that is known of is in the way


class Candidate(Struct, frozen=True, kw_only=True):
    """A member who may be taken. `assigned` counts appointments in the window of counting, on this page."""

    account_id: str
    standing: Standing
    priority: int = 0
    assigned: int = 0
    last_assigned: datetime | None = None


class Refusal(StrEnum):
    """Why nobody was taken; the names are part of the contract."""

    NO_MEMBERS = "NO_MEMBERS"
    NOT_A_MEMBER = "NOT_A_MEMBER"
    TIME_NOT_FREE = "TIME_NOT_FREE"
    TIME_UNKNOWN = "TIME_UNKNOWN"  # nobody who is needed is known to be busy, but not all are known to be free


def assign(
    page: BookingPage, candidates: Sequence[Candidate], wished: str, last_account_id: str
) -> tuple[str, ...] | Refusal:
    """Choose whom an appointment goes to.

    The candidates are all members, in member order. `wished` is who ANY_MEMBER is to take, empty for the first free;
    `last_account_id` who was assigned last on this page, empty for nobody.
    """
    if not candidates:
        return Refusal.NO_MEMBERS
    match page.scheduling_mode:
        case SchedulingMode.ALL_MEMBERS:
            return _everybody(candidates)
        case SchedulingMode.ANY_MEMBER:
            return _anybody(candidates, wished)
        case SchedulingMode.AUTO_ASSIGN:
            return _one_in_turn(page, candidates, last_account_id)
        case _:
            assert_never(page.scheduling_mode)


def _everybody(candidates: Sequence[Candidate]) -> tuple[str, ...] | Refusal:
    if all(each.standing is Standing.FREE for each in candidates):
        return tuple(each.account_id for each in candidates)
    if any(each.standing is Standing.BUSY for each in candidates):
        return Refusal.TIME_NOT_FREE
    return Refusal.TIME_UNKNOWN


def _anybody(candidates: Sequence[Candidate], wished: str) -> tuple[str, ...] | Refusal:
    asked = [each for each in candidates if each.account_id == wished] if wished else candidates
    if not asked:
        return Refusal.NOT_A_MEMBER
    free = [each.account_id for each in asked if each.standing is Standing.FREE]
    return (free[0],) if free else _nobody(asked)


def _one_in_turn(page: BookingPage, candidates: Sequence[Candidate], last_account_id: str) -> tuple[str, ...] | Refusal:
    turn = _in_turn(page.assignment_method, candidates, last_account_id)
    eligible = [each for each in turn if each.standing in _standings(page.faulty_members)]
    if not eligible and page.faulty_members is FaultyMembers.LAST_RESORT:
        eligible = [each for each in turn if each.standing is Standing.FAULTY]
    return (eligible[0].account_id,) if eligible else _nobody(candidates)


def _standings(faulty_members: FaultyMembers) -> frozenset[Standing]:
    if faulty_members is FaultyMembers.KEEP:
        return frozenset({Standing.FREE, Standing.FAULTY})
    return frozenset({Standing.FREE})


def _nobody(asked: Sequence[Candidate]) -> Refusal:
    unknown = any(each.standing in (Standing.UNKNOWN, Standing.FAULTY) for each in asked)
    return Refusal.TIME_UNKNOWN if unknown else Refusal.TIME_NOT_FREE


def _in_turn(method: AssignmentMethod, candidates: Sequence[Candidate], last_account_id: str) -> Sequence[Candidate]:
    """Answer everybody in the order in which they would be taken."""
    match method:
        case AssignmentMethod.EVEN:
            return sorted(candidates, key=_fewest_first)
        case AssignmentMethod.PRIORITY:
            return sorted(sorted(candidates, key=_fewest_first), key=lambda each: -each.priority)
        case AssignmentMethod.SEQUENTIAL:
            names = [each.account_id for each in candidates]
            after = names.index(last_account_id) + 1 if last_account_id in names else 0
            return (*candidates[after:], *candidates[:after])
        case _:
            assert_never(method)


def _fewest_first(candidate: Candidate) -> tuple[int, bool, float]:
    """Order by how many, then by how long ago; who never was assigned comes first."""
    last = candidate.last_assigned
    return candidate.assigned, last is not None, last.timestamp() if last else 0.0
