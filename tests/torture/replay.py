"""The log of changes, played to the model of the simulation: what it says was owed, and how things stood when.

The model says the rules a second time and knows nothing of the server. What it has to know besides the log is what had
come of earlier notices at each change: that is taken from the claims and the ledger.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.simulation.complaint import demand
from tests.simulation.database import Row
from tests.simulation.notice_rules import Notices
from tests.simulation.owed import Attempt, Key, Moment, Owed
from tests.simulation.people import People, Person
from tests.simulation.plain import LinkView, PageView, Seen
from tests.torture.tries import Tries, Try

_OUTCOMES = {"SENT": "sent", "FAILED": "temporary", "REFUSED": "permanent"}
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SAVED_BY = timedelta(seconds=60)
"""How long it may take to save that something was dropped: whether it was, is left open until then."""


class Replay:
    """Raises ComplaintError where what is owed is not in the ledger."""

    def __init__(self, people: dict[str, Person], tries: Tries, rows: Sequence[Row]) -> None:
        known = People()
        for person_id, person in people.items():
            known.put(person_id, person, _BEGINNING)
        self.notices = Notices(known)
        self._pages: dict[str, PageView] = {}
        self._ledger = {row.key for row in rows}
        self._bound: set[int] = set()
        self._begun = deque(sorted(tries.all, key=lambda each: each.claim.revision))
        self._ended = deque(tries.all)
        self._dropped = deque(sorted(_drops(tries, rows), key=lambda each: each[0]))
        self._attempts: dict[tuple[int, Key], Attempt] = {}

    def play(self, log: Sequence[Seen]) -> None:
        """Take every change, and what came after the last; pages that a link moved come right behind the link."""
        changes = deque(log)
        while changes:
            change = changes.popleft()
            self._came_to(change)
            if isinstance(change.thing, LinkView):
                self._link(change, change.thing, changes)
            elif isinstance(change.thing, PageView):
                self._page(change, change.thing)
            self._all_is_there()
        while self._begun:
            self._begin(self._begun.popleft())
        while self._ended:
            self._end(self._ended.popleft())

    def owed(self, row: Row) -> Owed:
        owed = self.notices.book.owed.get(row.key)
        demand(owed is not None, f"{row.key} is in the ledger, and nobody owes it")
        assert owed is not None
        return owed

    def moments(self, owed: Owed, revision: int, until: datetime | None = None) -> list[Moment]:
        """How its page or link stood at a revision, and, where a time is given, since then until that time."""
        every = self.notices.book.moments[owed.page]
        first = max(place for place, moment in enumerate(every) if moment.revision <= revision)
        later = every[first + 1 :] if until is not None else []
        return [every[first], *(moment for moment in later if until is not None and moment.since <= until)]

    def _link(self, change: Seen, link: LinkView, changes: deque[Seen]) -> None:
        before = self.notices.link_before(link.id)
        owed_before = {owed.number for owed in self.notices.book.owed.values()}
        while changes and changes[0].caused_by == change.revision:
            following = changes.popleft()
            assert isinstance(following.thing, PageView)
            self._page(following, following.thing)
        self.notices.link_changed(before, link, change.revision, change.time, owed_before)

    def _page(self, change: Seen, page: PageView) -> None:
        self.notices.page_changed(self._pages.get(page.id), page, change.revision, change.time)
        self._pages[page.id] = page

    def _all_is_there(self) -> None:
        book = self.notices.book
        for owed in [each for each in book.owed.values() if each.number not in self._bound]:
            self._bound.add(owed.number)
            if owed.key not in self._ledger:
                demand(not owed.certain, f"{owed.key} is owed, and is not in the ledger")
                book.absent(owed)

    def _came_to(self, change: Seen) -> None:
        """Let the model know what had come of notices before a change."""
        while self._begun and self._begun[0].claim.revision < change.revision:
            self._begin(self._begun.popleft())
        while self._ended and self._ended[0].ended <= change.time:
            self._end(self._ended.popleft())
        while self._dropped and self._dropped[0][0] <= change.time:
            dropped, row = self._dropped.popleft()
            self.owed(row).dropped = dropped

    def _begin(self, tried: Try) -> None:
        """What comes to nothing may, or may not, have been known to by then: that it was begun says nothing."""
        if tried.outcome in ("SENT", "UNKNOWN"):
            self._enter(tried, Attempt(tried.claim.time))

    def _end(self, tried: Try) -> None:
        if tried.outcome in ("FAILED", "REFUSED"):
            self._enter(tried, Attempt(tried.claim.time))
        for row in tried.rows:
            if not row.for_operator:
                attempt = self._attempts[id(tried), row.key]
                attempt.ended = tried.ended
                attempt.outcome = _OUTCOMES.get(tried.outcome, "unknown" if tried.lost else "doubtful")

    def _enter(self, tried: Try, attempt: Attempt) -> None:
        for row in tried.rows:
            if not row.for_operator:
                mine = Attempt(attempt.begun)
                self._attempts[id(tried), row.key] = mine
                self.owed(row).attempts.append(mine)


def _drops(tries: Tries, rows: Sequence[Row]) -> list[tuple[datetime, Row]]:
    """What was dropped: by its last claim, and saved soon after."""
    return [(tries.claims[row.id][-1].time + _SAVED_BY, row) for row in rows if row.state == "SUPPRESSED"]
