"""Whether everybody was told what they were owed: judged by what was received, the log of changes, and the ledger.

1. What is owed is in the ledger, and came to an end: received at least once, dropped for a reason that the log proves,
   or given up because the receiver refused for good.
2. A message came twice only after a try whose outcome nobody could know: the receiver broke off, or the sender was
   killed. Each try is met by one message at most; one that the ledger calls sent, by one.
3. What was received was true between the claim and the reception; an end is told to those only who may have been told
   before; what is later in an incident does not come before what is earlier.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from tests.simulation.complaint import demand
from tests.simulation.database import Row
from tests.simulation.notice_truth import grounds_of, truth_of
from tests.simulation.owed import AGAIN, MENDED
from tests.torture.received import Received
from tests.torture.replay import Replay
from tests.torture.tries import Tries, Try

Came = tuple[Received, Try]


class Oracle:
    """`seen` counts what was judged. Everything raises ComplaintError."""

    def __init__(self, rows: Sequence[Row], tries: Tries, replay: Replay, kills: Sequence[datetime]) -> None:
        self.seen: Counter[str] = Counter()
        self._rows = rows
        self._tries = tries
        self._replay = replay
        self._kills = kills

    def judge(self, received: Sequence[Received], *, broke_off: int, refused: int) -> None:
        """Judge all of it; `broke_off` and `refused` are how often the receivers did so."""
        came = self._matched(received)
        self._outcomes(broke_off, refused)
        self._duplicates(came)
        for message, tried in came:
            self._is_true(message, tried)
        self._in_order(came)
        last = {row.id: tried.outcome for tried in self._tries.all for row in tried.rows}
        for row in self._rows:
            self._ended(row, last.get(row.id, ""))

    # each message and its try

    def _matched(self, received: Sequence[Received]) -> list[Came]:
        free = defaultdict(list)
        for tried in self._tries.all:
            free[tried.channel, tried.recipient, tried.kind].append(tried)
        came = []
        for message in sorted(received, key=lambda each: each.time):
            place = free[message.channel, message.recipient, message.kind]
            fitting = [tried for tried in place if _fits(message, tried)]
            demand(bool(fitting), f"{message} was received, and the ledger knows of no try that may have sent it")
            chosen = min(fitting, key=lambda each: (each.outcome != "SENT", each.ended))
            place.remove(chosen)
            came.append((message, chosen))
        silent = [tried for place in free.values() for tried in place if tried.outcome == "SENT"]
        demand(not silent, f"sent by the ledger, and never received: {silent[:1]}")
        self.seen["messages received"] = len(came)
        return came

    def _outcomes(self, broke_off: int, refused: int) -> None:
        """What is said to be unknown has its reason: a kill, or a receiver that broke off."""
        doubtful = [tried for tried in self._tries.all if tried.outcome == "UNKNOWN" and not tried.lost]
        demand(
            len(doubtful) <= broke_off, f"{len(doubtful)} outcomes unknown, and receivers broke off {broke_off} times"
        )
        given_up = {tried.claim for tried in self._tries.all if tried.outcome == "REFUSED"}
        demand(len(given_up) <= refused, f"{len(given_up)} messages refused for good, and it was said {refused} times")
        for tried in self._tries.all:
            killed = any(tried.claim.time <= kill <= tried.ended for kill in self._kills)
            demand(not tried.lost or killed, f"the sender of {tried} was lost, and nobody killed it")
        self.seen["tries"] = len(self._tries.all)
        self.seen["tries whose answer never came"] = len(doubtful)
        self.seen["tries whose sender was killed"] = sum(tried.lost for tried in self._tries.all)

    def _duplicates(self, came: Sequence[Came]) -> None:
        last: dict[str, tuple[Received, Try]] = {}
        for message, tried in came:
            before = {}
            for row in _told(message, tried):
                if row.id in last:
                    before[last[row.id][0]] = last[row.id][1]
                last[row.id] = (message, tried)
            for first in before.values():
                demand(first.outcome == "UNKNOWN", f"{message} came again after {first}")
                self.seen["doubles after a kill" if first.lost else "doubles after a lost answer"] += 1

    # what was said

    def _is_true(self, message: Received, tried: Try) -> None:
        told = [row for row in _told(message, tried) if not row.for_operator]
        true: set[str] = set()
        for owed in map(self._replay.owed, told):
            moments = self._replay.moments(owed, tried.claim.revision, message.time)
            news = owed.kind not in (AGAIN, MENDED) or self._replay.notices.book.told(owed)
            if news and any(map(truth_of(owed), moments)):
                true.add(owed.page)
        about = {row.key[0] for row in told}
        demand(about <= true, f"{message}, claimed at revision {tried.claim.revision}, is true only of {true}")

    def _in_order(self, came: Sequence[Came]) -> None:
        """By the time that nothing earlier of another kind was left to be sent."""
        latest: dict[tuple[str, str, str], dict[str, int]] = defaultdict(dict)
        for message, tried in came:
            for row in _told(message, tried):
                place = latest[row.incident, row.key[3], row.key[4]]
                later = {kind: number for kind, number in place.items() if kind != row.key[2] and number > row.sequence}
                demand(not later or row.for_operator, f"{message} came after what is later in its incident: {later}")
                place[row.key[2]] = max(place.get(row.key[2], 0), row.sequence)

    # what was not said

    def _ended(self, row: Row, last_outcome: str) -> None:
        self.seen[f"notices {row.state}"] += 1
        if not row.for_operator:
            self._replay.owed(row)
        if row.state == "SUPPRESSED":
            self._rightly_dropped(row)
        else:
            ended = (row.state, last_outcome) in (("SENT", "SENT"), ("DEAD", "REFUSED"))
            demand(ended, f"{row.key} is {row.state}, and its last try was {last_outcome}")

    def _rightly_dropped(self, row: Row) -> None:
        owed, reason = self._replay.owed(row), row.last_error
        self.seen[f"dropped: {reason}"] += 1
        if reason == "NEVER_TOLD":
            demand(not self._replay.notices.book.told(owed), f"{row.key} was dropped, and its recipient knows the stop")
            return
        grounds = grounds_of(owed, reason)
        assert grounds is not None, f"{row.key} was dropped for a reason that nothing here gives: {reason}"
        [moment] = self._replay.moments(owed, self._tries.claims[row.id][-1].revision)
        demand(grounds(moment), f"{row.key} was dropped: {reason}, and it stood: {moment}")


def _fits(message: Received, tried: Try) -> bool:
    """Whether a try may have been it. What was claimed by one that was killed may in part have been dropped."""
    if not tried.claim.time <= message.time <= tried.ended or tried.outcome not in ("SENT", "UNKNOWN"):
        return False
    if tried.lost:
        first = {row.id for row in tried.rows}
        return message.pages <= tried.pages and (not message.message_id or message.message_id in first)
    return message.pages == tried.pages and message.message_id in ("", tried.message_id)


def _told(message: Received, tried: Try) -> list[Row]:
    return [row for row in tried.rows if not message.pages or row.key[0] in message.pages]
