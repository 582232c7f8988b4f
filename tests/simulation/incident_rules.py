"""What docs/incidents.md says, said once more: when many links that fail alike are the provider's trouble."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.simulation.complaint import demand, same
from tests.simulation.link_rules import CAN_FAIL, FEWER_REQUESTS, TRANSIENT, Leniency, LinkByRules, severity
from tests.simulation.plain import IncidentView, Met, ProviderView, Seen

WINDOW, LEAST, SHARE, HOLD = timedelta(minutes=5), 10, 0.05, timedelta(hours=24)
REVIEWED_EVERY = timedelta(seconds=10)
SHOWN_FOR = timedelta(days=1)
NO_ANSWER = ("PROVIDER_UNAVAILABLE", "NETWORK_ERROR")
PUBLIC_DOMAINS = ("gmail.com", "googlemail.com")


def kind_of(met: Met) -> str:
    """What kind of trouble something is; empty where no incident comes of it."""
    if met.reason == FEWER_REQUESTS or severity(met) not in CAN_FAIL:
        return ""
    return NO_ANSWER[0] if met.reason in NO_ANSWER else met.reason


def _reasons(kind: str) -> tuple[str, ...]:
    return NO_ANSWER if kind == NO_ANSWER[0] else (kind,)


def _origin(link: LinkByRules, met: Met) -> str:
    """What is related counts once: accounts, organizations, or calendars."""
    if kind_of(met) in TRANSIENT:
        return link.account
    if met.calendar:
        return met.calendar
    domain = link.email.rpartition("@")[2]
    return link.account if domain in PUBLIC_DOMAINS else domain


@dataclass(frozen=True)
class _Checked:
    """The latest check of a link; `kind` is empty where it met no trouble."""

    time: datetime
    kind: str
    origin: str


@dataclass
class _Calm:
    """Since when an open incident has been below the half; `briefly` does not count what was too short to be seen."""

    since: datetime | None = None
    briefly: datetime | None = None
    high_since: datetime | None = None


class ProviderByRules:
    """The provider, by what the checks of all links meet."""

    def __init__(self) -> None:
        self.incidents: tuple[IncidentView, ...] = ()
        self.opened = 0
        self._latest: dict[str, _Checked] = {}
        self._owed: dict[str, tuple[datetime, int, int]] = {}
        self._calm: dict[str, _Calm] = {}
        self._past: list[tuple[datetime, tuple[IncidentView, ...]]] = []
        self._looked: datetime | None = None

    def view(self) -> ProviderView:
        state = "INCIDENT" if any(each.ended is None for each in self.incidents) else "OPERATIONAL"
        return ProviderView(state, self.incidents)

    def checked(self, link: LinkByRules, state: str, met: tuple[Met, ...], now: datetime) -> None:
        """A check was answered, of a link that stood so before."""
        self.look(now)
        trouble = next((each for each in met if kind_of(each)), None)
        self._latest.pop(link.id, None)
        if trouble is None:
            self._latest[link.id] = _Checked(now, "", "")
        elif state != "FAILED":
            kind = kind_of(trouble)
            self._latest[link.id] = _Checked(now, kind, _origin(link, trouble))
            failing, checked = self._counts(kind, now)
            if failing >= max(LEAST, SHARE * checked) and self._open(kind) is None:
                self._owed.setdefault(kind, (now, failing, checked))
        self.look(now)

    def look(self, now: datetime) -> None:
        """Follow how long open incidents have been calm, up to now: counts fall by themselves as checks grow old."""
        before = self._looked or now
        falls = sorted(each.time + WINDOW for each in self._latest.values() if before < each.time + WINDOW <= now)
        for moment in (*falls, now):
            for kind, calm in self._calm.items():
                self._follow(calm, self._is_high(kind, moment), moment)
        self._looked = now

    def take(self, change: Seen, view: ProviderView) -> None:
        """Explain a change of the status: one incident opened, or one is over."""
        self.look(change.time)
        ended = [each for each in view.incidents if each.ended == change.time]
        if ended:
            self._take_end(ended[0], change.time)
        else:
            self._take_opening(view.incidents[-1], change.time)
        same(view, self.view(), f"the provider at revision {change.revision}")
        self._past.append((change.time, self.incidents))

    def rest(self, now: datetime) -> None:
        """Nothing is under way: no incident should have opened that did not, or ended."""
        self.look(now)
        demand(not self._owed, f"an incident was to open: {self._owed}")
        for kind, calm in self._calm.items():
            late = calm.since is not None and now > calm.since + WINDOW + 3 * REVIEWED_EVERY
            demand(not late, f"the incident {kind} has been calm since {calm.since}, and goes on at {now}")

    def restarted(self, now: datetime) -> None:
        """What was counted is forgotten; an open incident is over after a whole window that was calm."""
        self._latest.clear()
        self._owed.clear()
        self._looked = now
        self._calm = {kind: _Calm(now, now) for kind in self._calm}

    def leniency(self, now: datetime) -> Leniency:
        """What the incidents excuse at a time."""
        incidents: tuple[IncidentView, ...] = ()
        for since, then in self._past:
            if since <= now:
                incidents = then
        held = {
            reason
            for each in incidents
            if each.ended is None and (each.reason in TRANSIENT or now - each.opened < HOLD)
            for reason in _reasons(each.reason)
        }
        eased: dict[str, datetime] = {}
        for each in incidents:
            for reason in _reasons(each.reason) if each.ended is not None else ():
                eased[reason] = max(eased.get(reason, each.ended or now), each.ended or now)
        return Leniency(frozenset(held), eased)

    def alert_ids(self) -> set[str]:
        """What the operator is told: once that an incident opened, and once that it is over."""
        told = {(each.id, "opened") for _, then in self._past for each in then}
        told |= {(each.id, "over") for _, then in self._past for each in then if each.ended is not None}
        return {f"{incident}-{stage}-{channel}" for incident, stage in told for channel in ("EMAIL", "SLACK")}

    def _take_opening(self, incident: IncidentView, now: datetime) -> None:
        owed = self._owed.pop(incident.reason, None)
        demand(owed is not None, f"an incident opened without a reason: {incident}")
        assert owed is not None
        same((incident.opened, incident.affected, incident.checked), owed, f"how {incident.reason} opened")
        same(incident.opened, now, "when it opened")
        kept = (each for each in self.incidents if each.ended is None or each.ended > now - SHOWN_FOR)
        self.incidents = (*kept, incident)
        self._calm[incident.reason] = _Calm(high_since=now)
        self.opened += 1

    def _take_end(self, ended: IncidentView, now: datetime) -> None:
        calm, known = self._calm.pop(ended.reason), self._open(ended.reason)
        demand(known is not None, f"an incident ended that was not open: {ended}")
        assert known is not None
        lasted = calm.briefly is not None and now >= calm.briefly + WINDOW
        demand(lasted, f"{ended} ended, and was calm only since {calm}")
        same(ended, replace(known, ended=now, affected=ended.affected, checked=ended.checked), "what ended")
        demand(ended.affected >= known.affected, f"{ended} at its worst is no better than when it opened")
        self.incidents = tuple(ended if each.id == ended.id else each for each in self.incidents)

    def _open(self, kind: str) -> IncidentView | None:
        return next((each for each in self.incidents if each.ended is None and each.reason == kind), None)

    def _counts(self, kind: str, now: datetime) -> tuple[int, int]:
        counted = [each for each in self._latest.values() if now - each.time < WINDOW]
        return len({each.origin for each in counted if each.kind == kind}), len(counted)

    def _is_high(self, kind: str, now: datetime) -> bool:
        failing, checked = self._counts(kind, now)
        return failing * 2 >= max(LEAST, SHARE * checked)

    def _follow(self, calm: _Calm, high: bool, now: datetime) -> None:  # noqa: FBT001 - private, and named there
        if not high:
            calm.since = calm.since or now
            calm.briefly = calm.briefly or now
            calm.high_since = None
            return
        calm.since = None
        calm.high_since = calm.high_since or now
        if now - calm.high_since > REVIEWED_EVERY:
            calm.briefly = None
