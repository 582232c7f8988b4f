"""The oracle lets pass what is as it was answered, and complains of what differs from it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from calguard.v1 import appointment_pb2 as pb
from calguard_sandbox.google.accounts import Event
from calguard_sandbox.google.state import GoogleState
from calguard_sandbox.sources import Ids
from tests.crash.booked import ADDED, ASSIGNED, CANCELLED, REMOVED
from tests.crash.booked import Event as Deleted
from tests.simulation.complaint import ComplaintError
from tests.torture.appointments_oracle import judge
from tests.torture.book import Book
from tests.torture.even_turns import EvenTurns
from tests.torture.told_conflicts import Told

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_ANN, _BEN = "ann@example.com", "ben@example.com"
_CONFLICT = ("ann", _ANN, _START, _START + _HOUR / 2)


def _appointment(number: int, account_id: str, *, state: int = ASSIGNED, after: float = 0) -> pb.Appointment:
    entry = ADDED if state == ASSIGNED else REMOVED
    address = f"{account_id}@example.com"
    assignee = pb.Assignee(account_id=account_id, entry_state=entry, calendar_id=address)
    made = pb.Appointment(id=f"a-{number}", title=f"Visit {number}", state=state, assignees=[assignee])
    made.start_time.FromDatetime(_START + after * _HOUR)
    made.end_time.FromDatetime(_START + (after + 1) * _HOUR)
    return made


def _google() -> GoogleState:
    return GoogleState(lambda: _START, Ids("oracle"))


@dataclass
class History:
    """Ann has the first appointment, with something in its way; Ben had the second, which was cancelled."""

    listed: list[pb.Appointment] = field(default_factory=list)
    book: Book = field(default_factory=Book)
    google: GoogleState = field(default_factory=_google)
    deleted: set[Deleted] = field(default_factory=set)
    told: dict[str, Told] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first, second = _appointment(1, "ann"), _appointment(2, "ben")
        for each in (first, second):
            kept = self.book.assigned(pb.AssignAppointmentRequest(title=each.title), each, self.book.moment())
            if each is first:
                self.book.comes_between(kept, _CONFLICT)
        self.book.changed(kept, _appointment(2, "ben", state=CANCELLED), self.book.moment())
        in_the_way = pb.AppointmentConflict(account_id="ann", calendar_id=_ANN)
        in_the_way.start_time.FromDatetime(_CONFLICT[2])
        in_the_way.end_time.FromDatetime(_CONFLICT[3])
        listed = _appointment(1, "ann")
        listed.conflicts.append(in_the_way)
        self.listed = [listed, _appointment(2, "ben", state=CANCELLED)]
        self.add_event(1, _ANN)
        self.told["a-1"] = Told(("SENT",), 0, 1)

    def add_event(self, number: int, address: str, copy: str = "") -> None:
        event = Event(f"event{number}{copy}", _START, _START + _HOUR, {"summary": f"Visit {number}"})
        self.google.calendar(address).events[event.id] = event

    def judge(self) -> None:
        judge(self.listed, self.book, self.google, self.deleted, self.told)


def test_all_is_as_it_must_be() -> None:
    History().judge()


def test_what_people_deleted_may_be_missing() -> None:
    history = History()
    history.google.calendar(_ANN).events["event1"].cancelled = True
    history.deleted.add((_ANN, "Visit 1", _START, _START + _HOUR))
    history.judge()


def test_a_mail_may_come_twice_where_nobody_could_know() -> None:
    history = History()
    history.told["a-1"] = Told(("SENT",), 1, 2)
    history.judge()


def _lost(history: History) -> None:
    del history.listed[0]


def _unknown(history: History) -> None:
    history.listed.append(_appointment(3, "ben"))


def _moved(history: History) -> None:
    history.listed[0].assignees[0].account_id = "ben"


def _stands_again(history: History) -> None:
    history.listed[1].CopyFrom(_appointment(2, "ben"))


def _not_added(history: History) -> None:
    history.listed[0].assignees[0].entry_state = pb.CALENDAR_ENTRY_STATE_NOT_ADDED


def _no_event(history: History) -> None:
    history.google.calendar(_ANN).events.clear()


def _double_event(history: History) -> None:
    history.add_event(1, _ANN, "copy")


def _left_behind(history: History) -> None:
    history.add_event(2, _BEN)


def _conflict_unknown(history: History) -> None:
    del history.listed[0].conflicts[:]


def _conflict_of_nothing(history: History) -> None:
    history.book.conflicts.clear()


def _conflict_of_what_is_cancelled(history: History) -> None:
    history.listed[1].conflicts.append(history.listed[0].conflicts[0])


def _told(*states: str, doubtful: int = 0, mails: int = 1) -> Callable[[History], None]:
    def change(history: History) -> None:
        history.told["a-1"] = Told(states, doubtful, mails)

    return change


_WRONG: dict[str, Callable[[History], None]] = {
    "are lost: is ['a-1']": _lost,
    "no call was answered with: is ['a-3']": _unknown,
    "who has a-1": _moved,
    "the state of a-2": _stands_again,
    "have not come to their end": _not_added,
    "not in their calendars": _no_event,
    "without an entry, or twice": _double_event,
    "{('ben@example.com', 'Visit 2'": _left_behind,
    "what is in the way of a-1: is []": _conflict_unknown,
    "by the rules []": _conflict_of_nothing,
    "what is in the way of a-2": _conflict_of_what_is_cancelled,
    "was not told what is in the way": _told("SUPPRESSED"),
    "has no mail": _told("SENT", mails=0),
    "is owed twice": _told("SENT", "SENT"),
    "was told twice": _told("SENT", mails=2),
}


@pytest.mark.parametrize("complaint", _WRONG)
def test_something_is_not_as_it_must_be(complaint: str) -> None:
    history = History()
    _WRONG[complaint](history)
    with pytest.raises(ComplaintError, match=re.escape(complaint)):
        history.judge()


def _answered(book: Book, number: int, account_id: str, after: float, asked: int) -> None:
    request = pb.AssignAppointmentRequest(title=f"Visit {number}")
    book.assigned(request, _appointment(number, account_id, after=after), asked)


def test_who_was_answered_twice_for_one_time_is_booked_twice() -> None:
    book = Book()
    _answered(book, 1, "ann", 0, book.moment())
    _answered(book, 2, "ann", 1, book.moment())
    _answered(book, 3, "ben", 0.5, book.moment())
    with pytest.raises(ComplaintError, match="ann has two at one time"):
        _answered(book, 4, "ann", 0.5, book.moment())


def test_what_was_asked_for_at_once_may_have_been_freed_between() -> None:
    book = Book()
    _answered(book, 1, "ann", 0, book.moment())
    book.kept["a-1"].changing = True
    _answered(book, 2, "ann", 0, book.moment())


def test_one_answer_to_two_calls_is_none() -> None:
    book = Book()
    _answered(book, 1, "ann", 0, book.moment())
    with pytest.raises(ComplaintError, match="was answered to two calls"):
        book.assigned(pb.AssignAppointmentRequest(title="Another"), _appointment(1, "ann"), book.moment())


def test_whose_turn_it_is() -> None:
    """The fewest that stand; of equals, whose last is the longest ago; who is busy is left out."""
    book, turns = Book(), EvenTurns(("ann", "ben", "cem"))
    for number, expected in enumerate(("ann", "ben", "cem", "ann")):
        time = (_START + number * _HOUR, _START + (number + 1) * _HOUR)
        assert turns.next(time) == expected
        turns.given(expected)
        answer = _appointment(number, expected, after=number)
        turns.keep(book.assigned(pb.AssignAppointmentRequest(title=answer.title), answer, book.moment()))
    later = (_START + 9 * _HOUR, _START + 10 * _HOUR)
    assert turns.next(later) == "ben"
    assert turns.next((_START + _HOUR, _START + 2 * _HOUR)) == "cem"
    cancelled = _appointment(2, "cem", state=CANCELLED, after=2)
    book.changed(book.kept["a-2"], cancelled, book.moment())
    assert turns.next(later) == "cem"
    assert turns.next((_START + 2 * _HOUR, _START + 3 * _HOUR), book.kept["a-1"]) == "cem"
