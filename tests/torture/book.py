"""What callers were answered of appointments, kept by them: all that they know, and nothing of the server's."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from calguard.v1 import appointment_pb2 as pb
from tests.crash.booked import ASSIGNED, demand_same_appointment, time_of
from tests.simulation.complaint import demand, same

TITLES = "Visit "
"""How the titles of all appointments begin."""

Conflict = tuple[str, str, datetime, datetime]
"""An account, its calendar, and from when until when it is busy."""


@dataclass
class Kept:
    """An appointment as it was answered last. `changing`: a call that changes it was made, and is not answered."""

    request: pb.AssignAppointmentRequest
    first: pb.Appointment
    last: pb.Appointment
    answered: int
    changing: bool = False

    @property
    def stands(self) -> bool:
        return self.last.state == ASSIGNED

    @property
    def holders(self) -> list[str]:
        return [each.account_id for each in self.last.assignees]


class Book:
    """All that was answered. `conflicts` are what reviews have to find, by appointment; others have none."""

    def __init__(self) -> None:
        self.kept: dict[str, Kept] = {}
        self.conflicts: dict[str, Conflict] = {}
        self.ever_in_the_way: set[str] = set()
        self._by_account: dict[str, list[Kept]] = defaultdict(list)
        self._moment = 0

    def moment(self) -> int:
        """Answer a moment that is later than all before."""
        self._moment += 1
        return self._moment

    def assigned(self, request: pb.AssignAppointmentRequest, answer: pb.Appointment, asked: int) -> Kept:
        """Note the answer to a call that was made first at a moment."""
        if answer.id in self.kept:
            known = self.kept[answer.id]
            demand(known.request == request, f"{answer.id} was answered to two calls: {request}, {known.request}")
            same(answer, known.first, "the answer to a call that was repeated")
            return known
        kept = Kept(request, answer, answer, self.moment())
        self.kept[answer.id] = kept
        self._hold(kept, asked)
        return kept

    def changed(self, kept: Kept, answer: pb.Appointment, asked: int) -> None:
        """Note the answer to a call that cancels it, or gives it to somebody else."""
        demand_same_appointment(answer, kept.last)
        moved = [each.account_id for each in answer.assignees] != kept.holders
        kept.last, kept.changing, kept.answered = answer, False, self.moment()
        if moved or not kept.stands:
            self.conflicts.pop(answer.id, None)
        if moved:
            self._hold(kept, asked)

    def comes_between(self, kept: Kept, conflict: Conflict) -> None:
        """Note that something takes the time of an appointment, which a review has to find."""
        self.conflicts[kept.last.id] = conflict
        self.ever_in_the_way.add(kept.last.id)

    def _hold(self, kept: Kept, asked: int) -> None:
        """Whoever has it must not have had another one, from before it was asked for until now."""
        start, end = time_of(kept.last)
        for account_id in kept.holders:
            others = self._by_account[account_id]
            others[:] = [each for each in others if each.stands and account_id in each.holders and each is not kept]
            for other in others:
                first, last = time_of(other.last)
                certain = other.answered < asked and not other.changing
                overlaps = first < end and start < last
                demand(not (certain and overlaps), f"{account_id} has two at one time: {kept.last}, {other.last}")
            others.append(kept)
