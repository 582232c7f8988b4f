"""What docs/rules.md says of notices, said once more: incidents, who is owed what, and whether it is still true."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.people import People
from tests.simulation.plain import PageView

STOPPED, ANOTHER, AGAIN = "PAGE_STOPPED", "MEMBER_FAULTY", "PAGE_RESTARTED"
GROUP_WAIT = timedelta(seconds=5)
_INSTANT = timedelta(microseconds=1)

Key = tuple[str, int, str, str, str, tuple[str, ...]]
"""Page, revision, kind, recipient, channel, whom it names: what tells one notice from every other."""


@dataclass(frozen=True)
class Moment:
    """A page from a moment on; `view` is None once it is deleted, `incident` None where none is open."""

    since: datetime
    view: PageView | None
    incident: int | None

    @property
    def faulty(self) -> dict[str, str]:
        return {fault.account: fault.cause.reason for fault in self.view.faulty} if self.view else {}


@dataclass
class Attempt:
    """One try to send: `outcome` is sent, temporary, permanent, doubtful, or unknown where the server ended first."""

    begun: datetime
    ended: datetime | None = None
    outcome: str = ""
    wait: timedelta = timedelta()
    group_attempts: int = 0

    @property
    def may_have_arrived(self) -> bool:
        return self.outcome in ("sent", "doubtful", "unknown")


@dataclass(eq=False)
class Owed:
    """One notice to one recipient by one channel.

    `occasion` is what it is about, whenever it is told. `certain`: that it is owed does not depend on a claim unseen.
    `claim_lost`: the server ended after it had claimed it; for all that is known it may have been sent. `dropped`: it
    was seen to be suppressed.
    """

    key: Key
    incident: int
    occasion: str
    created: datetime
    number: int
    certain: bool = True
    attempts: list[Attempt] = field(default_factory=list)
    claim_lost: bool = False
    dropped: bool = False

    @property
    def page(self) -> str:
        return self.key[0]

    @property
    def kind(self) -> str:
        return self.key[2]

    @property
    def recipient(self) -> str:
        return self.key[3]

    @property
    def channel(self) -> str:
        return self.key[4]

    @property
    def named(self) -> tuple[str, ...]:
        return self.key[5]

    @property
    def tried(self) -> bool:
        return bool(self.attempts)

    @property
    def may_have_arrived(self) -> bool:
        return self.claim_lost or any(attempt.may_have_arrived for attempt in self.attempts)

    @property
    def sent(self) -> bool:
        return any(attempt.outcome == "sent" for attempt in self.attempts)


@dataclass(frozen=True)
class Occasion:
    """A change of a page that is to be told, and whom it names."""

    page: PageView
    kind: str
    named: tuple[str, ...]
    revision: int
    now: datetime

    @property
    def name(self) -> str:
        return f"{self.kind} {self.named}" if self.kind == ANOTHER else self.kind

    def key(self, recipient: str, channel: str) -> Key:
        return (self.page.id, self.revision, self.kind, recipient, channel, self.named)


@dataclass
class Incident:
    """A stop by rule, until the page accepts bookings again."""

    number: int
    owed: list[Owed] = field(default_factory=list)


class Notices:
    """Follows the pages, and knows what is owed."""

    def __init__(self, people: People) -> None:
        self.owed: dict[Key, Owed] = {}
        self.moments: dict[str, list[Moment]] = {}
        self._people = people
        self._open: dict[str, Incident] = {}
        self._incidents = 0
        self._numbers = itertools.count()
        self.seen: Counter[str] = Counter()

    def page_changed(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        """Apply the table "who is told, and when"."""
        if after.accepting:
            self._accepts_again(after, revision, now)
        elif after.stop_cause == "CALENDAR_FAILURE":
            self._stopped_by_rule(before, after, revision, now)
        incident = self._open.get(after.id)
        self._note(after.id, Moment(now, after, incident.number if incident else None))

    def page_deleted(self, page_id: str, now: datetime) -> None:
        self._open.pop(page_id, None)
        self._note(page_id, Moment(now, None, None))

    def _stopped_by_rule(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        faulty = [fault.account for fault in after.faulty]
        incident = self._incident(after.id)
        if before is None or before.stop_cause != "CALENDAR_FAILURE":
            for recipient in dict.fromkeys((after.owner, *faulty)):
                self._tell(incident, Occasion(after, STOPPED, tuple(faulty), revision, now), recipient, afresh=True)
            return
        if before.owner != after.owner:
            self._tell(incident, Occasion(after, STOPPED, tuple(faulty), revision, now), after.owner)
            self.seen["a stopped page changes hands"] += 1
        known = {fault.account for fault in before.faulty}
        for account in faulty if after.mode == "ALL_MEMBERS" else ():
            if account not in known:
                for recipient in dict.fromkeys((after.owner, account)):
                    self._tell(incident, Occasion(after, ANOTHER, (account,), revision, now), recipient)

    def _accepts_again(self, page: PageView, revision: int, now: datetime) -> None:
        """Owe the end to those who were told, or may have been; whom a claim reached just now is not seen here."""
        incident = self._open.pop(page.id, None)
        if incident is None:
            return
        told: dict[tuple[str, str], bool] = {}
        for owed in incident.owed:
            reached = owed.may_have_arrived or any(not each.outcome for each in owed.attempts)
            told[owed.recipient, owed.channel] = told.get((owed.recipient, owed.channel), False) or reached
        for (recipient, channel), certain in told.items():
            key = (page.id, revision, AGAIN, recipient, channel, ())
            self._owe(Owed(key, incident.number, "restarted", now, next(self._numbers), certain), incident)

    def _tell(self, incident: Incident, occasion: Occasion, recipient: str, *, afresh: bool = False) -> None:
        """Nothing is told twice; what was dropped before it was told is no hindrance."""
        for channel in self._people.channels(recipient, occasion.page, occasion.now):
            before = [
                self._stands(owed, occasion.now)
                for owed in incident.owed
                if (owed.recipient, owed.channel, owed.occasion) == (recipient, channel, occasion.name)
            ]
            if afresh or True not in before:
                number, certain = next(self._numbers), afresh or None not in before
                key = occasion.key(recipient, channel)
                self._owe(Owed(key, incident.number, occasion.name, occasion.now, number, certain), incident)
                self.seen["told again after it was dropped"] += False in before

    def _stands(self, owed: Owed, now: datetime) -> bool | None:
        """Whether a notice was told, or is still to be told; None where it may have been dropped, and nobody saw."""
        if owed.may_have_arrived or (owed.attempts and owed.attempts[-1].outcome in ("", "permanent")):
            return True
        if owed.dropped:
            return False
        since = max((owed.created, *(each.ended for each in owed.attempts if each.ended)))
        moments = self.moments_between(owed.page, since + _INSTANT, now)
        return True if owed.certain and all(map(self.truth_of(owed), moments)) else None

    def absent(self, owed: Owed) -> None:
        """What was perhaps owed is not in the ledger: it was not."""
        del self.owed[owed.key]
        for incident in self._open.values():
            incident.owed = [each for each in incident.owed if each is not owed]

    def _incident(self, page_id: str) -> Incident:
        if page_id not in self._open:
            self._incidents += 1
            self._open[page_id] = Incident(self._incidents)
        return self._open[page_id]

    def _owe(self, owed: Owed, incident: Incident) -> None:
        incident.owed.append(owed)
        self.owed[owed.key] = owed

    def _note(self, page_id: str, moment: Moment) -> None:
        self.moments.setdefault(page_id, []).append(moment)

    # what was true when

    def moments_between(self, page_id: str, start: datetime, end: datetime) -> Iterable[Moment]:
        """How a page stood at any time from one moment to another."""
        following: datetime | None = None
        for moment in reversed(self.moments.get(page_id, [])):
            if moment.since <= end and (following is None or following >= start):
                yield moment
            following = moment.since
            if moment.since < start:
                return

    def earlier(self, owed: Owed) -> list[Owed]:
        """What the same incident owed the same recipient by the same channel before."""
        place = (owed.incident, owed.recipient, owed.channel)
        return [
            each
            for each in self.owed.values()
            if (each.incident, each.recipient, each.channel) == place and each.number < owed.number
        ]

    def told(self, owed: Owed) -> bool:
        """Whether something earlier of the incident was, or may have been, received."""
        return any(each.may_have_arrived for each in self.earlier(owed))

    def truth_of(self, owed: Owed) -> Callable[[Moment], bool]:
        """What must hold for a notice to be sent."""
        if owed.kind == AGAIN:
            return lambda moment: moment.view is not None and moment.view.accepting
        return lambda moment: (
            moment.incident == owed.incident
            and moment.view is not None
            and moment.view.stop_cause == "CALENDAR_FAILURE"
            and not moment.faulty.keys().isdisjoint(owed.named)
            and owed.recipient in (moment.view.owner, *moment.faulty)
        )

    def grounds(self, owed: Owed, reason: str) -> Callable[[Moment], bool] | None:
        """What must hold for a notice to be dropped for a reason; None where that does not depend on the page."""
        grounds: dict[str, Callable[[Moment], bool]] = {
            "INCIDENT_OVER": lambda moment: (
                moment.view is not None and (moment.view.accepting or moment.incident != owed.incident)
            ),
            "STOPPED_BY_HAND": lambda moment: moment.view is not None and moment.view.stop_cause in ("OWNER", "BOTH"),
            "MEMBER_RECOVERED": lambda moment: moment.view is not None and moment.faulty.keys().isdisjoint(owed.named),
            "NOT_CONCERNED": lambda moment: (
                moment.view is not None and owed.recipient not in (moment.view.owner, *moment.faulty)
            ),
            "STOPPED_AGAIN": lambda moment: moment.view is not None and not moment.view.accepting,
            "PAGE_GONE": lambda moment: moment.view is None,
        }
        return grounds.get(reason)
