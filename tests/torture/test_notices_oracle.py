"""The oracle lets a history pass in which everybody was told, and complains of those that differ from it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.simulation.complaint import ComplaintError
from tests.simulation.database import Row
from tests.simulation.people import Person
from tests.simulation.plain import Cause, Fault, PageView, Seen, Slack
from tests.torture.notices_oracle import Oracle
from tests.torture.received import Received
from tests.torture.replay import Replay
from tests.torture.tries import Claim, Tries, Try

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_ANN = Person("ann", "Ann", "ann@example.com", "en", Slack(), wanted=("EMAIL",))


def _at(seconds: float) -> datetime:
    return _START + timedelta(seconds=seconds)


_FAULT = Fault("ann", "link-1", Cause("AUTHORIZATION_REVOKED", "", "", _START))
_WELL = PageView(
    "all-1",
    "ann",
    "Page",
    "ALL_MEMBERS",
    (("ann", 0),),
    Slack(),
    "LINKED",
    accepting=True,
    stop_cause="NONE",
    faulty=(),
    state_time=_START,
)
_STOPPED = replace(_WELL, state="STOPPED", accepting=False, stop_cause="CALENDAR_FAILURE", faulty=(_FAULT,))
_LOG = (
    Seen(1, _at(0), "CREATED", _WELL, "", 0),
    Seen(2, _at(10), "STATE_CHANGED", _STOPPED, "LINKED", 0),
    Seen(3, _at(100), "STATE_CHANGED", _WELL, "STOPPED", 0),
)
_STOP = Row(
    1,
    "stop",
    ("all-1", 2, "PAGE_STOPPED", "ann", "EMAIL", ("ann",), _at(10)),
    "i",
    "SENT",
    1,
    None,
    _at(10),
    "",
    doubtful=False,
)
_AGAIN = replace(_STOP, sequence=2, id="again", key=("all-1", 3, "PAGE_RESTARTED", "ann", "EMAIL", (), _at(100)))


def _try(row: Row, revision: int, at: float, outcome: str = "SENT", *, lost: bool = False) -> Try:
    """Claimed at a time, ended two seconds later."""
    message_id = "" if lost else row.id
    claim = Claim(_at(at), revision)
    return Try("EMAIL", "ann", row.key[2], claim, _at(at + 2), outcome, lost, message_id, (row,))


def _message(row: Row, at: float) -> Received:
    return Received(_at(at), "EMAIL", "ann", row.key[2], frozenset({"all-1"}), row.id)


@dataclass
class History:
    """Ann is told that her page stopped, and that it accepts bookings again."""

    rows: Sequence[Row] = (_STOP, _AGAIN)
    tries: Sequence[Try] = (_try(_STOP, 2, 20), _try(_AGAIN, 3, 120))
    received: Sequence[Received] = (_message(_STOP, 21), _message(_AGAIN, 121))
    kills: Sequence[float] = ()
    broke_off: int = 0
    claims: dict[str, list[Claim]] = field(default_factory=dict)

    def judge(self) -> Oracle:
        claims = self.claims | {row.id: [tried.claim] for tried in self.tries for row in tried.rows}
        tries = Tries(self.tries, claims)
        replay = Replay({"ann": _ANN}, tries, self.rows)
        replay.play(_LOG)
        oracle = Oracle(self.rows, tries, replay, [_at(kill) for kill in self.kills])
        oracle.judge(self.received, broke_off=self.broke_off, refused=0)
        return oracle


def test_everybody_was_told() -> None:
    assert History().judge().seen["messages received"] == 2


_LOST = (_try(_STOP, 2, 12, "UNKNOWN", lost=True), *History.tries)
_DOUBTFUL = (_try(_STOP, 2, 12, "UNKNOWN"), *History.tries)
_DOUBLE = (_message(_STOP, 13), *History.received)


def test_a_double_after_a_kill_or_a_lost_answer_is_counted() -> None:
    after_kill = History(tries=_LOST, received=_DOUBLE, kills=(13,)).judge()
    assert after_kill.seen["doubles after a kill"] == 1
    after_doubt = History(tries=_DOUBTFUL, received=_DOUBLE, broke_off=1).judge()
    assert after_doubt.seen["doubles after a lost answer"] == 1


_DROPPED = replace(_STOP, state="SUPPRESSED", last_error="INCIDENT_OVER")
_CLAIMED_THEN = {"stop": [Claim(_at(20), 2)]}

_WRONG = {  # with what is complained of
    "one that the ledger calls sent never came": ("never received", History(received=(_message(_STOP, 21),))),
    "one came that nobody is known to have sent": (
        "no try that may have sent it",
        History(received=(*History.received, _message(_AGAIN, 130))),
    ),
    "a stop was told when it was over": (
        "is true only of set()",
        History(
            tries=(_try(_STOP, 3, 110), _try(_AGAIN, 3, 120)), received=(_message(_STOP, 111), _message(_AGAIN, 121))
        ),
    ),
    "an end was told to somebody who knew of nothing": (
        "is true only of set()",
        History(
            rows=(_DROPPED, _AGAIN),
            tries=(_try(_AGAIN, 3, 120),),
            received=(_message(_AGAIN, 121),),
            claims={"stop": [Claim(_at(110), 3)]},
        ),
    ),
    "what is owed is not in the ledger": ("is owed, and is not in the ledger", History(rows=(), tries=(), received=())),
    "nobody owes what is in the ledger": (
        "nobody owes it",
        History(rows=(*History.rows, replace(_STOP, sequence=3, id="more", key=("all-1", 3, *_STOP.key[2:])))),
    ),
    "a stop was dropped that was true": (
        "was dropped: INCIDENT_OVER",
        History(rows=(_DROPPED,), tries=(), received=(), claims=_CLAIMED_THEN),
    ),
    "one was given up, and nobody had refused it": (
        "refused for good",
        History(rows=(replace(_STOP, state="DEAD"),), tries=(_try(_STOP, 2, 20, "REFUSED"),), received=()),
    ),
    "one is still to be sent": ("is PENDING", History(rows=(replace(_STOP, state="PENDING"),), tries=(), received=())),
    "a sender was lost, and nobody killed it": ("nobody killed it", History(tries=_LOST, received=_DOUBLE)),
    "an outcome was unknown, and nobody broke off": ("outcomes unknown", History(tries=_DOUBTFUL, received=_DOUBLE)),
    "one came again after it was known to be sent": (
        "came again after",
        History(
            tries=(*History.tries[:1], _try(_STOP, 2, 30, "SENT"), _try(_AGAIN, 3, 120)),
            received=(_message(_STOP, 21), _message(_STOP, 31), _message(_AGAIN, 121)),
        ),
    ),
    "the end came before the stop": (
        "came after what is later",
        History(
            tries=(_try(_AGAIN, 3, 120), _try(_STOP, 2, 130)), received=(_message(_AGAIN, 121), _message(_STOP, 131))
        ),
    ),
}


@pytest.mark.parametrize("what", _WRONG)
def test_something_was_not_as_it_must_be(what: str) -> None:
    complaint, history = _WRONG[what]
    with pytest.raises(ComplaintError, match=re.escape(complaint)):
        history.judge()
