"""The ledger of notices, held against what is owed and what came of each attempt."""

from datetime import datetime, timedelta

from tests.simulation.complaint import demand, same
from tests.simulation.database import Database, Row
from tests.simulation.notice_rules import Notices
from tests.simulation.notice_truth import grounds_of
from tests.simulation.owed import Attempt, Owed
from tests.simulation.people import People
from tests.simulation.post import Post

PATIENCE = timedelta(seconds=25)
"""How late something may be noticed that is due."""

ATTEMPTS_MAX, GIVE_UP_AFTER = 15, timedelta(hours=24)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(minutes=15)


class Ledger:
    """Looks at each row that is new, or was open when it was looked at last."""

    def __init__(self, notices: Notices, people: People, post: Post, database: Database) -> None:
        self.states: dict[str, str] = {}
        self.dead: list[tuple[datetime, str]] = []
        self.suppressed: dict[str, int] = {}
        self._notices = notices
        self._people = people
        self._post = post
        self._database = database
        self._last = 0
        self._open: dict[str, Row] = {}
        self._bound: set[int] = set()
        self._freed: datetime | None = None
        notices.before_an_end = self._find_reminders

    def check(self, now: datetime) -> None:
        """Nothing is under way but what is being sent: compare."""
        rows = self._database.changed_since(self._last, set(self._open))
        self._open = {row.id: row for row in rows if row.open}
        self._last = max((self._last, *(row.sequence for row in rows)))
        for row in rows:
            self.states[row.id] = row.state
            if not row.open:
                self._post.over.add(row.id)
            if row.for_operator:
                self._alert(row)
            else:
                self._row(row, now)
        self._all_is_there()
        same(self._notices.late.not_reminded(now), [], "who was not reminded")
        same(self._notices.late.not_made_up(now), [], "who was not told when a silence was over")

    def settled(self) -> None:
        """Nothing is left to be sent, and nothing that was over has changed."""
        demand(not self._open, f"still to be sent: {[(row.key, row.state) for row in self._open.values()]}")
        for row in self._database.rows():
            same(row.state, self.states[row.id], f"what was settled of {row.key}")

    def waiting(self) -> list[str]:
        """Who is to be told something."""
        return sorted({row.key[3] for row in self._open.values() if row.key[3]})

    def changed_by_hand(self, row: Row, now: datetime) -> None:
        """Look at a notice again that may have been over, or that others waited for."""
        self._open[row.id], self._freed = row, now
        self._post.over.discard(row.id)

    def _all_is_there(self) -> None:
        for owed in list(self._notices.book.owed.values()):
            if owed.number not in self._bound:
                demand(not owed.certain, f"{owed.key} is owed since {owed.created}, and is not in the ledger")
                self._notices.book.absent(owed)

    def _find_reminders(self) -> None:
        for row in self._database.latest():
            if not row.for_operator:
                self._notices.late.found(row.key)

    def _row(self, row: Row, now: datetime) -> None:
        owed = self._notices.late.found(row.key)
        demand(owed is not None, f"{row.key} is in the ledger, and nobody owes it")
        assert owed is not None
        self._bound.add(owed.number)
        answered = [attempt for attempt in owed.attempts if attempt.outcome not in ("", "unknown")]
        same(row.attempts, len(answered), f"the attempts of {row.key}")
        lost = owed.claim_lost or owed.lost_before
        doubt = lost or any(attempt.outcome in ("doubtful", "unknown") for attempt in owed.attempts)
        same(row.doubtful, doubt, f"whether {row.key} may have been received unseen")
        self._state(row, owed, now)
        self._is_in_time(row, now)

    def _state(self, row: Row, owed: Owed, now: datetime) -> None:
        last = owed.recent[-1] if owed.recent else None
        if owed.discarded or row.state == "DISCARDED":
            same((row.state, owed.discarded), ("DISCARDED", True), f"the state of {row.key}, which was discarded")
        elif row.state == "SUPPRESSED":
            self._dropped(row, owed, now)
        elif row.id in self._post.in_flight:
            same(row.state, "SENDING", f"the state of {row.key}, which is being sent")
        elif last is None or last.outcome == "unknown":
            fresh = "RETRYING" if owed.claim_lost or last is not None else "PENDING"
            same(row.state, fresh, f"the state of {row.key}")
        else:
            self._after(row, owed, last)

    def _after(self, row: Row, owed: Owed, last: Attempt) -> None:
        """What becomes of a notice after an attempt."""
        assert last.ended is not None
        answered = [attempt for attempt in owed.recent if attempt.outcome != "unknown"]
        spent = len(answered) >= ATTEMPTS_MAX or last.ended - owed.since >= GIVE_UP_AFTER
        if last.outcome == "sent":
            same(row.state, "SENT", f"the state of {row.key}, which was sent")
        elif last.outcome == "permanent" or spent:
            same(row.state, "DEAD", f"the state of {row.key}, which was given up")
            self.dead.append((last.ended, f"DELIVERY_DEAD_{owed.channel}"))
        else:
            same(row.state, "RETRYING", f"the state of {row.key}, which is to be tried again")
            longest = min(FIRST_WAIT * 2 ** (last.group_attempts - 1), LONGEST_WAIT)
            assert row.due is not None
            in_time = last.wait <= row.due - last.ended <= max(longest, last.wait) + timedelta(seconds=1)
            demand(in_time, f"{row.key} failed at {last.ended} and is tried at {row.due}: {last}")

    def _dropped(self, row: Row, owed: Owed, now: datetime) -> None:
        """What is not sent any more was untrue, for the reason given, at some time since it was owed."""
        owed.dropped = owed.dropped or now
        reason = row.last_error
        owed.silenced = reason == "SILENCED"
        self.suppressed[reason] = self.suppressed.get(reason, 0) + 1
        if reason == "RECIPIENT_GONE":
            gone = None in self._people.between(owed.recipient, owed.created, now)
            demand(gone, f"{row.key} was dropped: {reason}")
        elif reason == "SILENCED":
            moments = list(self._notices.book.moments_between(owed.page, owed.created, now))
            held = any(self._notices.book.silences.held(owed, moment, owed.created, now) for moment in moments)
            demand(held, f"{row.key} was dropped: {reason}")
        elif reason in ("CHANNEL_OFF", "NOT_WANTED"):
            people = [
                person for person in self._people.between(owed.recipient, owed.created, now) if person is not None
            ]
            wanted = [person.wants(owed.channel) if reason == "CHANNEL_OFF" else person.always for person in people]
            demand(False in wanted, f"{row.key} was dropped: {reason}")
        elif reason == "NEVER_TOLD":
            demand(not self._notices.book.told(owed), f"{row.key} was dropped: {reason}")
        else:
            grounds = grounds_of(owed, reason)
            demand(grounds is not None, f"{row.key} was dropped for a reason that is none: {reason}")
            assert grounds is not None
            moments = self._notices.book.moments_between(owed.page, owed.created, now)
            demand(any(map(grounds, moments)), f"{row.key} was dropped without ground: {reason}")

    def _is_in_time(self, row: Row, now: datetime) -> None:
        waits = row.state in ("PENDING", "RETRYING") and row.due is not None
        late = waits and max(row.due or now, self._freed or row.created) < now - PATIENCE
        held = any(
            other.incident == row.incident and other.key[3:5] == row.key[3:5] and other.sequence < row.sequence
            for other in self._open.values()
        )
        demand(held or not late, f"{row.key} is due since {row.due}, and it is {now}")

    def _alert(self, row: Row) -> None:
        attempts = self._post.alerts.get(row.id, [])
        last = attempts[-1] if attempts else None
        if row.id in self._post.in_flight:
            same(row.state, "SENDING", f"the state of {row.id}, which is being sent")
        elif row.state == "SENT" or (last is not None and last.outcome == "sent"):
            sent = last is not None and last.outcome == "sent" and row.state == "SENT"
            demand(sent, f"{row.id} is {row.state}, and what came of it is {last}")
        elif last is not None and last.outcome == "permanent":
            same(row.state, "DEAD", f"the state of {row.id}, which was refused for good")

    @property
    def alert_ids(self) -> set[str]:
        """The alerts to the operator that the ledger holds."""
        return {row_id for row_id in self.states if row_id.startswith(("operator-", "provider-incident-"))}
