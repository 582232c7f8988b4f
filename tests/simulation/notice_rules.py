"""What docs/rules.md says of notices, said once more: incidents, who is owed what, and whether it is still true."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.people import People
from tests.simulation.plain import LinkView, PageView

STOPPED, ANOTHER, AGAIN, REMINDER = "PAGE_STOPPED", "MEMBER_FAULTY", "PAGE_RESTARTED", "REMINDER"
FAILED, MENDED = "LINK_FAILED", "LINK_RECOVERED"
GROUP_WAIT = timedelta(seconds=5)
REMINDERS = (timedelta(minutes=8), timedelta(minutes=25), timedelta(hours=2))
"""As the simulated server is set up: histories do not last for days."""

REMINDED_WITHIN = timedelta(seconds=25)
"""How late a reminder may be decided: whether one is due is looked at every few seconds."""

_READ = timedelta(milliseconds=200)
_INSTANT = timedelta(microseconds=1)

Key = tuple[str, int, str, str, str, tuple[str, ...], datetime | None]
"""Page, revision, kind, recipient, channel, whom it names: what tells one notice from every other; of what is owed as
time goes by, the time besides.
"""


def about_link(link_id: str) -> str:
    """What stands in a key in place of a page."""
    return f"link {link_id}"


BY_TIME = (REMINDER,)
"""What is owed as time goes by, and not because something changed."""


@dataclass(frozen=True)
class Moment:
    """A page, or a link, from a moment on; None once it is deleted. `incident` is None where none is open."""

    since: datetime
    view: PageView | None
    incident: int | None
    revision: int = 0
    link: LinkView | None = None

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
    was seen to be suppressed. `retried` is when it was last retried by hand, `before` how many attempts there were by
    then, `lost_before` whether a claim was lost by then. `discarded`: it was given up by hand.
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
    discarded: bool = False
    retried: datetime | None = None
    before: int = 0
    lost_before: bool = False

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
    def since(self) -> datetime:
        """Since when it is to be sent."""
        return self.retried or self.created

    @property
    def recent(self) -> list[Attempt]:
        """The attempts since then."""
        return self.attempts[self.before :]

    def retry(self, now: datetime) -> None:
        """It begins afresh."""
        self.retried, self.before = now, len(self.attempts)
        self.claim_lost, self.lost_before = False, self.claim_lost or self.lost_before

    @property
    def may_have_arrived(self) -> bool:
        return self.claim_lost or self.lost_before or any(attempt.may_have_arrived for attempt in self.attempts)

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
        return (self.page.id, self.revision, self.kind, recipient, channel, self.named, None)


def _due(incident: "Incident", created: datetime) -> timedelta | None:
    """The reminder whose time has just come: the last one, where several have."""
    due = [after for after in REMINDERS if incident.opened + after <= created]
    return due[-1] if due and created - incident.opened - due[-1] <= REMINDED_WITHIN else None


@dataclass
class Incident:
    """A stop by rule, until the page accepts bookings again. `reminded` are the reminders whose time is over."""

    number: int
    page: str
    opened: datetime
    owed: list[Owed] = field(default_factory=list)
    reminded: set[timedelta] = field(default_factory=set)


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
        self.before_an_end: Callable[[], None] = lambda: None

    def link_changed(
        self, before: LinkView | None, after: LinkView, revision: int, now: datetime, owed_before: set[int]
    ) -> None:
        """A failure is told to whoever asks for it, where no page tells of it; and its end."""
        about, known = about_link(after.id), self._open.get(about_link(after.id))
        if after.state == "FAILED" and known is None and (before is None or before.state != "FAILED"):
            self._link_failed(after, revision, now, owed_before)
        elif after.state != "FAILED" and known is not None:
            del self._open[about]
            if after.state != "STOPPED":
                self._owe_end(known, about, MENDED, (after.account,), revision, now)
        incident = self._open.get(about)
        self._note(about, Moment(now, None, incident.number if incident else None, revision, after))

    def link_before(self, link_id: str) -> LinkView | None:
        """A link as it was told last; None where there is none."""
        moments = self.moments.get(about_link(link_id))
        return moments[-1].link if moments else None

    def link_deleted(self, link_id: str, now: datetime) -> None:
        self._open.pop(about_link(link_id), None)
        self._note(about_link(link_id), Moment(now, None, None))

    def _link_failed(self, link: LinkView, revision: int, now: datetime, owed_before: set[int]) -> None:
        person = self._people.at(link.account, now)
        told = [
            owed.certain
            for owed in self.owed.values()
            if owed.number not in owed_before and owed.recipient == link.account and link.account in owed.named
        ]
        if person is None or not person.always or True in told:
            return
        about = about_link(link.id)
        incident = self._incident(about, now)
        for channel in self._people.channels(link.account, None, now):
            key = (about, revision, FAILED, link.account, channel, (link.account,), None)
            self._owe(Owed(key, incident.number, FAILED, now, next(self._numbers), not told), incident)

    def page_changed(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        """Apply the table "who is told, and when"."""
        if after.accepting:
            self._accepts_again(after, revision, now)
        elif after.stop_cause == "CALENDAR_FAILURE":
            self._stopped_by_rule(before, after, revision, now)
        incident = self._open.get(after.id)
        self._note(after.id, Moment(now, after, incident.number if incident else None, revision))

    def page_deleted(self, page_id: str, now: datetime) -> None:
        self.before_an_end()
        self._open.pop(page_id, None)
        self._note(page_id, Moment(now, None, None))

    def _stopped_by_rule(self, before: PageView | None, after: PageView, revision: int, now: datetime) -> None:
        faulty = [fault.account for fault in after.faulty]
        incident = self._incident(after.id, now)
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
        self.before_an_end()
        incident = self._open.pop(page.id, None)
        if incident is not None:
            self._owe_end(incident, page.id, AGAIN, (), revision, now)

    def _owe_end(
        self, incident: Incident, about: str, kind: str, named: tuple[str, ...], revision: int, now: datetime
    ) -> None:
        told: dict[tuple[str, str], bool] = {}
        for owed in incident.owed:
            reached = owed.may_have_arrived or any(not each.outcome for each in owed.attempts)
            told[owed.recipient, owed.channel] = told.get((owed.recipient, owed.channel), False) or reached
        for (recipient, channel), certain in told.items():
            key = (about, revision, kind, recipient, channel, named, None)
            self._owe(Owed(key, incident.number, kind, now, next(self._numbers), certain), incident)

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
        refused = bool(owed.recent) and owed.recent[-1].outcome in ("", "permanent")
        if owed.may_have_arrived or owed.discarded or refused:
            return True
        if owed.dropped:
            return False
        since = max((owed.since, *(each.ended for each in owed.recent if each.ended)))
        moments = self.moments_between(owed.page, since + _INSTANT, now)
        people = self._people.between(owed.recipient, since, now)
        wanted = all(person is not None and person.wants(owed.channel) for person in people)
        return True if owed.certain and wanted and all(map(self.truth_of(owed), moments)) else None

    def absent(self, owed: Owed) -> None:
        """What was perhaps owed is not in the ledger: it was not."""
        del self.owed[owed.key]
        for incident in self._open.values():
            incident.owed = [each for each in incident.owed if each is not owed]

    def _incident(self, page_id: str, now: datetime) -> Incident:
        if page_id not in self._open:
            self._incidents += 1
            self._open[page_id] = Incident(self._incidents, page_id, now)
        return self._open[page_id]

    def _owe(self, owed: Owed, incident: Incident) -> None:
        incident.owed.append(owed)
        self.owed[owed.key] = owed

    def _note(self, page_id: str, moment: Moment) -> None:
        self.moments.setdefault(page_id, []).append(moment)

    # reminders: the log does not tell of them, so they are taken note of as they are found

    def found(self, key: Key, created: datetime) -> Owed | None:
        """Answer what a notice is by the rules; None where nobody owes it."""
        if key not in self.owed and key[2] == REMINDER:
            self._reminder(key, created)
        return self.owed.get(key)

    def _reminder(self, key: Key, created: datetime) -> None:
        """A reminder that is due, to whom it concerns, for the first time."""
        page, revision, _, recipient, channel, named, _ = key
        incident = self._open.get(page)
        after = _due(incident, created) if incident is not None else None
        if incident is None or after is None:
            return
        known = {(owed.recipient, owed.channel, owed.occasion) for owed in incident.owed}
        occasion = f"{REMINDER} {after}"
        moments = list(self.moments_between(page, created, created + _READ))
        right = any(
            moment.revision == revision
            and (recipient, channel) in self._reminded(moment, incident, created)
            and named == tuple(moment.faulty)
            for moment in moments
        )
        if right and (recipient, channel, occasion) not in known:
            self._owe(Owed(key, incident.number, occasion, created, next(self._numbers)), incident)
            self.seen["reminded"] += 1

    def _reminded(self, moment: Moment, incident: Incident, now: datetime) -> set[tuple[str, str]]:
        """Who is reminded at a moment: as of a stop, while the rule alone stops the page."""
        view = moment.view
        if view is None or moment.incident != incident.number or view.stop_cause != "CALENDAR_FAILURE":
            return set()
        return {
            (recipient, channel)
            for recipient in (view.owner, *moment.faulty)
            for channel in self._people.channels(recipient, view, now)
        }

    def not_reminded(self, now: datetime) -> list[tuple[str, timedelta, str, str]]:
        """Name who was to be reminded by now and was not; only where nothing changed while it was due."""
        missing = []
        for incident in self._open.values():
            for after in REMINDERS:
                due = incident.opened + after
                if incident.page.startswith("link ") or after in incident.reminded or now < due + REMINDED_WITHIN:
                    continue
                incident.reminded.add(after)
                moments = list(self.moments_between(incident.page, due, due + REMINDED_WITHIN))
                told = {
                    (owed.recipient, owed.channel) for owed in incident.owed if owed.occasion == f"{REMINDER} {after}"
                }
                owed = self._reminded(moments[0], incident, due) if len(moments) == 1 else set()
                steady = {each for each in owed if self._people.steady(each[0], due, due + REMINDED_WITHIN)}
                missing += [(incident.page, after, *each) for each in steady - told]
        return missing

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
        if owed.kind == MENDED:
            return lambda moment: moment.link is not None and moment.link.state != "FAILED"
        if owed.kind == FAILED:
            return lambda moment: (
                moment.link is not None and moment.link.state == "FAILED" and moment.incident == owed.incident
            )
        return lambda moment: (
            moment.incident == owed.incident
            and moment.view is not None
            and moment.view.stop_cause == "CALENDAR_FAILURE"
            and not moment.faulty.keys().isdisjoint(owed.named)
            and owed.recipient in (moment.view.owner, *moment.faulty)
        )

    def grounds(self, owed: Owed, reason: str) -> Callable[[Moment], bool] | None:
        """What must hold for a notice to be dropped for a reason; None where that does not depend on the page."""
        if owed.kind in (FAILED, MENDED):
            return self._grounds_of_link(owed, reason)
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

    def _grounds_of_link(self, owed: Owed, reason: str) -> Callable[[Moment], bool] | None:
        grounds: dict[str, Callable[[Moment], bool]] = {
            "INCIDENT_OVER": lambda moment: (
                moment.link is not None and (moment.link.state != "FAILED" or moment.incident != owed.incident)
            ),
            "FAILED_AGAIN": lambda moment: moment.link is not None and moment.link.state == "FAILED",
            "LINK_GONE": lambda moment: moment.link is None,
        }
        return grounds.get(reason)

    def may_be_told(self, owed: Owed, start: datetime, end: datetime) -> bool:
        """Whether, at some time in between, the recipient was there and wanted to be told of it by that channel."""
        people = self._people.between(owed.recipient, start, end)
        asked = owed.kind == FAILED
        return any(
            person is not None and person.wants(owed.channel) and (person.always or not asked) for person in people
        )
