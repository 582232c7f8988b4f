"""What docs/rules.md and docs/failures.md say of a link, said once more: severities, thresholds, causes, schedules."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.plain import Cause, LinkView, Met

FAIL = ("SESSION_POLICY", "ACCOUNT_UNAVAILABLE", "AUTHORIZATION_INCOMPLETE", "ADMIN_BLOCKED", "CALENDAR_SERVICE_OFF")
CONFIRM = ("AUTHORIZATION_REVOKED", "CALENDAR_NOT_VISIBLE")
TRANSIENT = ("ACCESS_FORBIDDEN", "PROVIDER_UNAVAILABLE", "NETWORK_ERROR")
FEWER_REQUESTS = "RATE_LIMITED"
QUOTA = "QUOTA_EXHAUSTED"
OPERATOR = (QUOTA, "APP_MISCONFIGURED")
UNSET = "SELECTION_MISSING"
LACKING = "SCOPE_MISSING"
VOID = ("AUTHORIZATION_REVOKED", "SESSION_POLICY", "ACCOUNT_UNAVAILABLE", "AUTHORIZATION_INCOMPLETE", "ADMIN_BLOCKED")
NOT_SOON = (FEWER_REQUESTS, *OPERATOR)

REGULAR = 600.0
"""How often links are checked that do not fail just now, in seconds."""

CAN_FAIL = ("fail", "confirm", "transient")
THRESHOLD, LONG_ENOUGH, QUOTA_GRACE = 3, timedelta(minutes=10), timedelta(hours=1)
SCOPE_FOR = {"LIST": "calendarlist.readonly", "CHECK": "calendar.freebusy", "ADD": "calendar.events"}


def severity(met: Met) -> str:
    """How grave something is: the tables of docs/failures.md."""
    if met.reason == LACKING:
        return "degrade" if met.capability == "ADD" else "fail"
    if met.reason in (*TRANSIENT, FEWER_REQUESTS):
        return "degrade" if met.capability == "ADD" else "transient"
    if met.reason in FAIL:
        return "fail"
    if met.reason in CONFIRM:
        return "confirm"
    return "operator" if met.reason in OPERATOR else "degrade"


def permits(scopes: Iterable[str], capability: str) -> bool:
    return any(scope.endswith(SCOPE_FOR[capability]) for scope in scopes)


def asks_twice(state: str, first: Sequence[Met]) -> bool:
    """A second check follows at once where the gravest is to be confirmed; a link that is FAILED needs none."""
    grave = {severity(met) for met in first}
    return state != "FAILED" and "confirm" in grave and "fail" not in grave


def says_the_same(first: Sequence[Met], second: Sequence[Met]) -> bool:
    doubtful = [
        {(met.reason, met.calendar, met.capability) for met in each if severity(met) == "confirm"}
        for each in (first, second)
    ]
    return bool(doubtful[0] & doubtful[1])


@dataclass(frozen=True)
class Consented:
    """Who consented, to what, and the calendars that the link starts with."""

    subject: str
    email: str
    scopes: tuple[str, ...]
    checks: tuple[str, ...]
    add: str


@dataclass(frozen=True)
class Leniency:
    """What provider incidents excuse: reasons that fail no link now, and from when those count that did not."""

    held: frozenset[str] = frozenset()
    eased: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class Found:
    """What a check met, whether a second probe confirmed it, and what is excused."""

    met: tuple[Met, ...]
    confirmed: bool
    excused: Leniency


@dataclass(frozen=True)
class Verdict:
    """What a check amounts to: fail, hold, leave, degrade or pass; by what; and whether it is a failure in a row."""

    move: str
    met: Met | None = None
    counts: bool = False


@dataclass
class LinkByRules:
    """A link as the rules have it. It begins as one that was never connected."""

    id: str
    account: str
    subject: str = ""
    email: str = ""
    state: str = "STOPPED"
    cause: Cause | None = None
    state_time: datetime | None = None
    has_grant: bool = False
    scopes: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    add: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    quota_since: datetime | None = None
    last_check: datetime | None = None
    waits: tuple[Met, ...] = ()
    changes: int = 0
    phase: float | None = None

    @property
    def in_use(self) -> bool:
        return bool(self.checks or self.add)

    # what happens to it; each answers STATE_CHANGED, UPDATED, or nothing where nobody is to be told

    def examined(self, found: Found, scopes: tuple[str, ...] | None, now: datetime) -> str:
        before = self._told()
        self.scopes = self.scopes if scopes is None else scopes
        self._weigh(found, now, self.cause)
        return self._effect(before, now)

    def selected(self, checks: tuple[str, ...], add: str, found: Found, now: datetime) -> str:
        before = self._told()
        self.checks, self.add = checks, add
        self._weigh(found, now, self.cause)
        return self._effect(before, now)

    def consented(self, given: Consented, found: Found, now: datetime) -> str:
        """A consent is a new start, and always told."""
        before, known = self._told(), self.cause
        self.subject, self.email, self.scopes = given.subject, given.email, given.scopes
        self.checks, self.add, self.has_grant = given.checks, given.add, True
        self.failures, self.failing_since, self.quota_since = 0, None, None
        self.state, self.cause = "DEGRADED" if self.state == "STOPPED" else self.state, None
        self._weigh(found, now, known)
        return self._effect(before, now) or "UPDATED"

    def disconnected(self, now: datetime) -> str:
        before = self._told()
        self.state, self.cause, self.has_grant, self.scopes = "STOPPED", None, False, ()
        self.failures, self.failing_since, self.quota_since = 0, None, None
        return self._effect(before, now)

    # how a check is judged

    def _weigh(self, found: Found, now: datetime, known: Cause | None) -> None:
        self.last_check, self.waits = now, found.met
        exhausted = any(each.reason == QUOTA for each in found.met)
        self.quota_since = (self.quota_since or now) if exhausted else None
        every = [*found.met, *self._found_without_asking()]
        held = [each for each in every if each.reason in found.excused.held and severity(each) in CAN_FAIL]
        own = [each for each in every if each not in held]
        verdict = self._verdict(own, now, found.excused, confirmed=found.confirmed)
        if held and verdict.move != "fail":
            shown = held[0] if severity(held[0]) == "transient" else Met("PROVIDER_UNAVAILABLE")
            verdict = Verdict("hold", shown, counts=True)
        self._follow(verdict, known, now)

    def _verdict(self, found: Sequence[Met], now: datetime, excused: Leniency, *, confirmed: bool) -> Verdict:
        """Let the gravest decide."""
        grave = self._gravest(found)
        if "fail" in grave:
            return Verdict("fail", grave["fail"], counts=True)
        if "confirm" in grave:
            fails = confirmed or self.state == "FAILED"
            return Verdict("fail" if fails else "hold", grave["confirm"], counts=True)
        if "transient" in grave:
            return self._met_transient(grave["transient"], now, excused)
        if "operator" in grave:
            return self._met_ours(grave["operator"], grave.get("degrade"), now)
        lesser = grave.get("degrade")
        return Verdict("degrade" if lesser else "pass", lesser)

    def _gravest(self, met: Sequence[Met]) -> dict[str, Met]:
        """Of each severity the one that counts: the first, but what asks for fewer requests comes last."""
        found: dict[str, Met] = {}
        for each in sorted(met, key=lambda each: each.reason == FEWER_REQUESTS):
            found.setdefault(severity(each), each)
        return found

    def _found_without_asking(self) -> list[Met]:
        lacking = [Met(LACKING, capability=need) for need in SCOPE_FOR if not permits(self.scopes, need)]
        return lacking if self.in_use else [*lacking, Met(UNSET)]

    def _met_transient(self, met: Met, now: datetime, excused: Leniency) -> Verdict:
        if met.reason == FEWER_REQUESTS:
            return Verdict("hold", met)
        since = self.failing_since or now
        since = max(since, excused.eased.get(met.reason, since))
        lasted = self.failures + 1 >= THRESHOLD and now - since >= LONG_ENOUGH
        return Verdict("fail" if lasted and self.state != "FAILED" else "hold", met, counts=True)

    def _met_ours(self, met: Met, lesser: Met | None, now: datetime) -> Verdict:
        """What is the operator's leaves the state alone, but for a quota that is gone for an hour."""
        if lesser is not None and self.state != "FAILED":
            return Verdict("hold", lesser)
        long = met.reason == QUOTA and self.quota_since is not None and now - self.quota_since >= QUOTA_GRACE
        return Verdict("hold" if long else "leave", met)

    def _follow(self, verdict: Verdict, known: Cause | None, now: datetime) -> None:
        if verdict.counts:
            self.failures, self.failing_since = self.failures + 1, self.failing_since or now
        match verdict.move:
            case "fail":
                self._be("FAILED", verdict.met, known, now)
            case "hold":
                self._hold(verdict.met, known, now)
            case "leave":
                if self._outdated() or (self.cause is None and self.state != "LINKED"):
                    self.cause = _named(verdict.met, known, now)
            case _:
                self.failures, self.failing_since = 0, None
                self._be("DEGRADED" if verdict.met else "LINKED", verdict.met, known, now)

    def _hold(self, met: Met | None, known: Cause | None, now: datetime) -> None:
        """Degrade; what is FAILED stays so, with the cause that it had unless a selection has mended that."""
        if self.state != "FAILED":
            self._be("DEGRADED", met, known, now)
        elif self.cause is None or self._outdated():
            self.cause = _named(met, known, now)

    def _be(self, state: str, met: Met | None, known: Cause | None, now: datetime) -> None:
        self.state, self.cause = state, _named(met, known, now)

    def _outdated(self) -> bool:
        if self.cause is None:
            return False
        if self.cause.reason == UNSET:
            return self.in_use
        return bool(self.cause.calendar) and self.cause.calendar not in (*self.checks, self.add)

    def _told(self) -> tuple[object, ...]:
        """What watchers are told of; the state comes first."""
        told = (self.cause, self.subject, self.email, self.has_grant, self.scopes, self.checks, self.add)
        return (self.state, *told)

    def _effect(self, before: tuple[object, ...], now: datetime) -> str:
        after = self._told()
        if before[0] != after[0]:
            self.state_time = now
            return "STATE_CHANGED"
        return "UPDATED" if before != after else ""

    # how it is seen

    def view(self) -> LinkView:
        reason = self.cause.reason if self.cause else ""
        refused = self.state == "FAILED" and reason in (*VOID, LACKING)
        assert self.state_time is not None
        return LinkView(
            self.id, self.account, self.email, self.state, self.cause, self.state_time,
            self.has_grant and not refused, self._next_action(reason), self.scopes, self.checks, self.add,
        )  # fmt: skip

    def _next_action(self, reason: str) -> str:
        if self.state == "STOPPED":
            return "CONNECT"
        if not reason:
            return "NONE"
        if reason in (*VOID, LACKING):
            return "RECONNECT"
        if reason in (UNSET, "CALENDAR_NOT_VISIBLE", "ADD_CALENDAR_NOT_VISIBLE", "CALENDAR_READ_ONLY"):
            return "SELECT_CALENDARS"
        return "CONTACT_SUPPORT" if reason == "CALENDAR_SERVICE_OFF" else "WAIT"

    def next_check_between(self) -> tuple[datetime, datetime] | None:
        """When the link is to be checked next at the earliest and at the latest; None while it is STOPPED."""
        if self.state == "STOPPED" or self.last_check is None:
            return None
        least, most = (0.1, 1.1) if self._regular else (0.9, 1.1)
        seconds, asked = self.interval, max((met.wait for met in self.waits), default=0.0)
        earliest, latest = (timedelta(seconds=max(seconds * part, asked)) for part in (least, most))
        return self.last_check + earliest, self.last_check + latest

    @property
    def interval(self) -> float:
        """How long it is between checks, in seconds: the table "When links are checked"."""
        seconds = self._usual_interval()
        return max(seconds, REGULAR) if any(met.reason in NOT_SOON for met in self.waits) else seconds

    @property
    def at_its_instant(self) -> bool:
        """Whether the next check is at the link's own instant of the interval: nothing else was asked."""
        return self._regular and not any(met.wait for met in self.waits)

    @property
    def _regular(self) -> bool:
        return self.interval >= REGULAR

    def _usual_interval(self) -> float:
        if self.state == "FAILED":
            return 6 * REGULAR if self.cause is not None and self.cause.reason in VOID else REGULAR
        return REGULAR if self.failing_since is None else min(15.0 * 2 ** max(self.failures - 1, 0), 300.0)


def _named(met: Met | None, known: Cause | None, now: datetime) -> Cause | None:
    """A cause keeps its `since` for as long as it is the same one without a break."""
    if met is None:
        return None
    if known is not None and (known.reason, known.calendar, known.capability) == (
        met.reason,
        met.calendar,
        met.capability,
    ):
        return known
    return Cause(met.reason, met.calendar, met.capability, now)
