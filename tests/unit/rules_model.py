"""The rules of links and pages once more, in sets and ifs: knows nothing of the domain, and is told plain words."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

MENDED_BY_THE_PERSON = ("SESSION_POLICY", "ADMIN_BLOCKED", "SCOPE_MISSING", "CALENDAR_SERVICE_OFF")
TO_BE_CONFIRMED = ("AUTHORIZATION_REVOKED", "CALENDAR_NOT_VISIBLE")
MAY_PASS = ("NETWORK_ERROR", "PROVIDER_UNAVAILABLE", "ACCESS_FORBIDDEN")
FEWER_REQUESTS = "RATE_LIMITED"
LESSER = ("CALENDAR_READ_ONLY", "ADD_CALENDAR_NOT_VISIBLE")
QUOTA = "QUOTA_EXHAUSTED"
OUR_OWN = ("APP_MISCONFIGURED", QUOTA)
UNSET = "SELECTION_MISSING"
EVERYTHING = ("nothing", *LESSER, *MAY_PASS, FEWER_REQUESTS, *TO_BE_CONFIRMED, *MENDED_BY_THE_PERSON, *OUR_OWN)
"""What a check can meet."""


@dataclass
class PersonsLink:
    """What the rules say of one link: `is_` is linked, degraded, failed or stopped, `why` the cause or empty."""

    is_: str
    selection: str
    why: str = ""
    failures: int = 0
    first_failure: datetime | None = None
    quota_gone: datetime | None = None

    def met(self, what: str, now: datetime, *, confirmed: bool = False) -> None:
        """Follow the rules on what makes a link fail."""
        self.quota_gone = (self.quota_gone or now) if what == QUOTA else None
        if what in OUR_OWN:
            self._met_our_own(what, now)
        elif what in MENDED_BY_THE_PERSON or (what in TO_BE_CONFIRMED and (confirmed or self.is_ == "failed")):
            self._count(now)
            self.is_, self.why = "failed", what
        elif what == FEWER_REQUESTS:
            self._may_pass(what)
        elif what in MAY_PASS or what in TO_BE_CONFIRMED:
            self._count(now)
            self._may_pass(what)
            lasted = self.failures >= 3 and now - (self.first_failure or now) >= timedelta(minutes=10)
            if lasted and what in MAY_PASS:
                self.is_ = "failed"
        else:
            self._forget()
            self.why = what if what in LESSER else UNSET if self.selection == "none" else ""
            self.is_ = "degraded" if self.why else "linked"

    def consented(self) -> None:
        """A consent is a new start; the state waits for what is found with it."""
        self._forget()
        self.why, self.quota_gone = "", None
        if self.is_ == "stopped":
            self.is_ = "degraded"

    def disconnected(self) -> None:
        self._forget()
        self.is_, self.why, self.quota_gone = "stopped", "", None

    def at_fault(self) -> bool:
        return self.is_ == "failed" and self.selection in ("both", "check")

    def _met_our_own(self, what: str, now: datetime) -> None:
        """Our own fault leaves a link alone; but one that lacks a selection says so, and a quota gone long degrades."""
        if self.is_ == "failed":
            self.why = self.why or what
        elif self.selection == "none":
            self.is_, self.why = "degraded", UNSET
        elif self.quota_gone and now - self.quota_gone >= timedelta(hours=1):
            self.is_, self.why = "degraded", what
        elif self.is_ == "degraded" and self.why in ("", UNSET):
            self.why = what

    def _may_pass(self, what: str) -> None:
        """Degrade; what is FAILED stays so, for the cause that it has."""
        if self.is_ != "failed":
            self.is_, self.why = "degraded", what
        self.why = self.why or what

    def _count(self, now: datetime) -> None:
        self.failures += 1
        self.first_failure = self.first_failure or now

    def _forget(self) -> None:
        self.failures, self.first_failure = 0, None


Told = tuple[str, frozenset[str], frozenset[str]]
"""The kind of a notice, whom it tells, and whom it names."""


@dataclass
class ModelPage:
    """What the rules say of one page."""

    mode: str
    members: list[str]
    owner: str
    by_hand: bool = False
    faulty: set[str] = field(default_factory=set)
    by_rule: bool = False
    incident_open: bool = False
    told: list[Told] = field(default_factory=list)

    def consider(self, faulty_people: set[str]) -> None:
        """Apply the table of the modes to whoever is faulty now."""
        was_told_of_a_stop = self.by_rule and not self.by_hand
        self._consider(faulty_people, already=was_told_of_a_stop)

    def stop(self, faulty_people: set[str]) -> None:
        self.by_hand = True
        self._consider(faulty_people, already=False)

    def resume(self, faulty_people: set[str]) -> None:
        self.by_hand = False
        self._consider(faulty_people, already=False)

    def accepting(self) -> bool:
        return not self.by_hand and not self.by_rule

    def one_failure_away(self) -> set[str]:
        """Tell whose failure alone would have the rule stop the page."""
        well = set(self.members) - self.faulty
        if self.by_rule:
            return set()
        return well if self.mode == "ALL_MEMBERS" or len(well) == 1 else set()

    def stop_cause(self) -> str:
        if self.by_rule:
            return "BOTH" if self.by_hand else "CALENDAR_FAILURE"
        return "OWNER" if self.by_hand else "NONE"

    def _consider(self, faulty_people: set[str], *, already: bool) -> None:
        known, self.faulty = self.faulty, {person for person in self.members if person in faulty_people}
        if self.mode == "ALL_MEMBERS":
            self.by_rule = bool(self.faulty)
        else:
            self.by_rule = bool(self.members) and len(self.faulty) == len(self.members)
        self.told = []
        if self.by_hand:
            return
        self.incident_open = self.by_rule
        if self.by_rule and not already:
            self._tell("PAGE_STOPPED", self.faulty)
        elif self.by_rule and self.mode == "ALL_MEMBERS":
            for person in self.faulty - known:
                self._tell("MEMBER_FAULTY", {person})

    def _tell(self, kind: str, at_fault: Iterable[str]) -> None:
        named = frozenset(at_fault)
        self.told.append((kind, named | {self.owner}, named))
