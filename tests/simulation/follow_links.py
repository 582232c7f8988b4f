"""The links of the model: each follows what Google answered about it, and who wished to end it.

A link's change is explained by what was answered since the last one, or by a wish to end it. What was answered in
between without a change must be nothing that anybody is to be told of.
"""

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.complaint import ComplaintError, demand, same
from tests.simulation.link_rules import OPERATOR, Consented, LinkByRules, asks_twice, permits, says_the_same
from tests.simulation.plain import LinkView, Seen
from tests.simulation.wishes import LOST, Probed, Wish


@dataclass(frozen=True)
class Examined:
    """One check of a link: a probe, or two where the first was to be confirmed."""

    probe: Probed
    confirmed: bool
    scopes: tuple[str, ...] | None

    @property
    def wish(self) -> Wish | None:
        return self.probe.wish


@dataclass(frozen=True)
class Counts:
    """What is kept of a link without being told."""

    failures: int
    failing_since: datetime | None
    quota_since: datetime | None
    last_check: datetime | None


class Links:
    """Every link by the rules. `alerts` are the times and reasons of what only the operator can mend.

    `lost_alerts` are those of checks that the server did not live to tell of: it may have alerted, or not.
    """

    def __init__(self) -> None:
        self.known: dict[str, LinkByRules] = {}
        self.endings: list[Wish] = []
        self.alerts: list[tuple[datetime, str]] = []
        self.lost_alerts: list[tuple[datetime, str]] = []
        self._probes: dict[str, deque[Probed]] = {}

    def probed(self, probe: Probed) -> None:
        """Google answered a probe."""
        self._probes.setdefault(probe.link, deque()).append(probe)

    def of(self, account: str) -> list[LinkByRules]:
        return [link for link in self.known.values() if link.account == account]

    def take(self, change: Seen, view: LinkView) -> None:
        """Explain a link's change."""
        if change.type == "DELETED":
            if self._ending("link.delete", view).kind == "link.delete":
                self._apply_quiet(view.id, change.time)
            same(view, self.known.pop(view.id).view(), f"link {view.id} as it was last, at {change.revision}")
            self._lose(self._probes.pop(view.id, deque()))
            return
        if view.state == "STOPPED":
            self._ending("disconnect", view)
            self._apply_quiet(view.id, change.time)
            same(change.type, self.known[view.id].disconnected(change.time), f"how link {view.id} ends")
        else:
            self._explain(change, view)
        same(view, self.known[view.id].view(), f"link {view.id} at revision {change.revision}")

    def _ending(self, kind: str, view: LinkView) -> Wish:
        """Find the wish that ends a link; an account takes its links with it, whatever is under way."""
        for wish in self.endings:
            whole = kind == "link.delete" and wish.kind == "account.delete" and wish.target == view.account
            if whole or (wish.kind, wish.target) == (kind, view.id):
                wish.effect = True
                return wish
        raise ComplaintError(f"link {view.id} ended ({kind}), and nobody wished for that")

    def _explain(self, change: Seen, view: LinkView) -> None:
        """Find the check that made a link change, behind those that did not."""
        known, probes = view.id in self.known, self._probes.get(view.id, deque())
        while (check := self._next(view.id, probes, change.time)) is not None:
            if probes and probes[0].ended <= change.time:
                self._quietly(check)
                continue
            effect = self._apply(check, change.time)
            same(change.type, effect if known else "CREATED", f"what {check.probe.met} does to link {view.id}")
            return
        raise ComplaintError(f"link {view.id} changed, and Google had answered nothing new: {view}")

    def _next(self, link_id: str, probes: deque[Probed], until: datetime | None = None) -> Examined | None:
        """Take the next check out of what was answered; two probes make one where the first is to be confirmed."""
        if not probes or (until is not None and probes[0].ended > until):
            return None
        first, link = probes[0], self.known.get(link_id)
        if not asks_twice(link.state if link else "STOPPED", first.met):
            return Examined(probes.popleft(), confirmed=False, scopes=first.scopes)
        if len(probes) < 2 or (until is not None and probes[1].ended > until):
            return None
        _, second = probes.popleft(), probes.popleft()
        at_once = second.task is first.task and second.begun == first.ended
        demand(at_once, f"what link {link_id} met is confirmed at once: {first.met}")
        return Examined(second, says_the_same(first.met, second.met), second.scopes or first.scopes)

    def _apply_quiet(self, link_id: str, until: datetime) -> None:
        probes = self._probes.get(link_id, deque())
        while (check := self._next(link_id, probes, until)) is not None:
            self._quietly(check)

    def _quietly(self, check: Examined) -> None:
        now, link_id = check.probe.ended, check.probe.link
        effect = self._apply(check, now)
        same("", effect, f"what is told of link {link_id}, which met {check.probe.met} at {now:%H:%M:%S}")

    def _apply(self, check: Examined, now: datetime) -> str:
        """Let a check decide; answers what of it is told."""
        self.alerts += [(now, met.reason) for met in check.probe.met if met.reason in OPERATOR]
        wish = check.wish
        if wish is not None and wish.kind == "link":
            return self._consent(check, wish, now)
        link = self.known[check.probe.link]
        if wish is not None and wish.selects:
            wish.refused_by_probe = _unreadable(link, check.probe)
            wish.effect = not wish.refused_by_probe
        return _decide(link, check, now)

    def _consent(self, check: Examined, wish: Wish, now: datetime) -> str:
        probe, agreed = check.probe, wish.consent
        assert agreed is not None
        if probe.link not in self.known and wish.outcome not in ("", "done", LOST):
            return ""  # refused after all: its account is gone
        link = self.known.setdefault(probe.link, LinkByRules(probe.link, wish.fields["account"]))
        same((probe.checks, probe.add), _choice(link, wish), f"the calendars that link {link.id} starts with")
        wish.effect, wish.target = True, link.id
        given = Consented(agreed.subject, agreed.email, check.scopes or agreed.scopes, probe.checks, probe.add)
        return link.consented(given, probe.met, now, confirmed=check.confirmed)

    # when nothing is under way

    def rest(self, now: datetime) -> None:
        """Nothing is under way: what was answered and not told of was not to be told."""
        for link_id in list(self._probes):
            if link_id not in self.known and all(_of_no_consent(probe) for probe in self._probes[link_id]):
                self._lose(self._probes.pop(link_id))
                continue
            self._apply_quiet(link_id, now)
            demand(not self._probes.pop(link_id), f"link {link_id}: what was met is to be confirmed by a second probe")
        self.endings = [wish for wish in self.endings if not wish.outcome]

    def restarted(self, stored: dict[str, Counts]) -> None:
        """The server ended: as much of what was answered counts as the stored links show, and the rest is lost."""
        self.endings.clear()
        for link_id, probes in self._probes.items():
            self._lose(probes)
            if link_id in self.known:
                self._take_saved(link_id, probes, stored[link_id])
        self._probes.clear()

    def _lose(self, probes: Iterable[Probed]) -> None:
        """Nobody lived to tell of these; the operator may have been alerted."""
        self.lost_alerts += [(each.ended, met.reason) for each in probes for met in each.met]

    def _take_saved(self, link_id: str, probes: deque[Probed], stored: Counts) -> None:
        link = copy(self.known[link_id])
        saved = link if counts_of(link) == stored else None
        while (check := self._next(link_id, probes)) is not None:
            link = copy(link)
            if (check.wish is not None and check.wish.kind == "link") or _decide(link, check, check.probe.ended):
                break
            if counts_of(link) == stored:
                saved = link
        demand(saved is not None, f"link {link_id} after the restart is as none of its checks left it: {stored}")
        assert saved is not None
        self.known[link_id] = saved


def counts_of(link: LinkByRules) -> Counts:
    return Counts(link.failures, link.failing_since, link.quota_since, link.last_check)


def _decide(link: LinkByRules, check: Examined, now: datetime) -> str:
    probe = check.probe
    if check.wish is not None and check.wish.selects:
        if check.wish.breaks or _unreadable(link, probe):
            return ""
        return link.selected(probe.checks, probe.add, probe.met, now, confirmed=check.confirmed)
    same((probe.checks, probe.add), (link.checks, link.add), f"the calendars of link {link.id} that are probed")
    return link.examined(probe.met, now, confirmed=check.confirmed, scopes=check.scopes)


def _of_no_consent(probe: Probed) -> bool:
    """A check that fell due, or was asked for, ends with its link."""
    return probe.wish is None or probe.wish.kind != "link"


def _unreadable(link: LinkByRules, probe: Probed) -> bool:
    """A newly chosen check calendar that cannot be read when it is tried is refused."""
    fresh = set(probe.checks) - set(link.checks)
    return any(met.reason == "CALENDAR_NOT_VISIBLE" and met.calendar in fresh for met in probe.met)


def _choice(link: LinkByRules, wish: Wish) -> tuple[tuple[str, ...], str]:
    """Keep the selection of the same Google account; else the primary calendar, for what it can be used for."""
    agreed = wish.consent
    assert agreed is not None
    if link.in_use and link.subject == agreed.subject:
        return link.checks, link.add
    shown = next((each.shown for each in wish.listings if each.failed is None), ())
    for calendar, role, primary in shown if wish.fields["select_primary"] else ():
        if primary:
            writes = permits(agreed.scopes, "ADD") and role in ("writer", "writerWithoutPrivateAccess", "owner")
            return (calendar,) if permits(agreed.scopes, "CHECK") else (), calendar if writes else ""
    return (), ""
