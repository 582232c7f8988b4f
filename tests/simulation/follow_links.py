"""The links of the model: each follows what Google answered about it, and who wished to end it.

A link's change is explained by what was answered since the last one, or by a wish to end it. What was answered in
between without a change must be nothing that anybody is to be told of. A check that fell due rests on its link as it
was handed out: where that has changed since, nothing comes of it.
"""

from collections import deque
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from tests.simulation.attempts import Attempts
from tests.simulation.complaint import ComplaintError, demand, same
from tests.simulation.incident_rules import ProviderByRules
from tests.simulation.link_rules import OPERATOR, Consented, Found, LinkByRules, asks_twice, permits, says_the_same
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

    @property
    def consents(self) -> bool:
        return self.wish is not None and self.wish.kind == "link"

    @property
    def selects(self) -> bool:
        return self.wish is not None and self.wish.selects


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

    def __init__(self, provider: ProviderByRules) -> None:
        self._provider = provider
        self.known: dict[str, LinkByRules] = {}
        self.attempts = Attempts()
        self.endings: list[Wish] = []
        self.alerts: list[tuple[datetime, str]] = []
        self.lost_alerts: list[tuple[datetime, str]] = []
        self.stale = 0
        self._halves: dict[str, Probed] = {}
        self._answered: dict[str, deque[Examined]] = {}

    def probed(self, probe: Probed) -> None:
        """Google answered a probe: it ends a check, unless it is to be confirmed at once."""
        half = self._halves.pop(probe.link, None)
        if half is not None:
            at_once = probe.task is half.task and probe.begun == half.ended
            demand(at_once, f"what link {probe.link} met is confirmed at once: {half.met}")
            self._examined(Examined(probe, says_the_same(half.met, probe.met), probe.scopes or half.scopes))
        elif asks_twice(self._state_under(probe), probe.met):
            self._halves[probe.link] = probe
        else:
            self._examined(Examined(probe, confirmed=False, scopes=probe.scopes))

    def of(self, account: str) -> list[LinkByRules]:
        return [link for link in self.known.values() if link.account == account]

    def take(self, change: Seen, view: LinkView) -> None:
        """Explain a link's change."""
        if change.type == "DELETED":
            self._take_deletion(change, view)
            return
        if view.state == "STOPPED":
            self._ending("disconnect", view)
            self._apply_quiet(view.id, change.time)
            same(change.type, self.known[view.id].disconnected(change.time), f"how link {view.id} ends")
            self.attempts.ended(view.account, view.id, self.known[view.id].subject)
        else:
            self._explain(change, view)
        same(view, self.known[view.id].view(), f"link {view.id} at revision {change.revision}")
        self.known[view.id].changes += 1

    def _take_deletion(self, change: Seen, view: LinkView) -> None:
        if self._ending("link.delete", view).kind == "link.delete":
            self._apply_quiet(view.id, change.time)
        link = self.known.pop(view.id)
        same(view, link.view(), f"link {view.id} as it was last, at {change.revision}")
        self._lose(self._answered.pop(view.id, deque()))
        self.attempts.ended(view.account, view.id, link.subject)

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
        known, ready = view.id in self.known, self._until(view.id, change.time)
        if not ready:
            raise ComplaintError(f"link {view.id} changed, and Google had answered nothing new: {view}")
        for check in ready[:-1]:
            self._quietly(check)
        effect = self._apply(ready[-1], change.time)
        same(change.type, effect if known else "CREATED", f"what {ready[-1].probe.met} does to link {view.id}")

    def _until(self, link_id: str, time: datetime) -> list[Examined]:
        """Take out the checks that were answered up to a time; nothing comes of those that are stale."""
        answered, ready = self._answered.get(link_id, deque()), []
        while answered and answered[0].probe.ended <= time:
            check = answered.popleft()
            if self._is_stale(check):
                self._drop(check)
            else:
                ready.append(check)
        return ready

    def _state_under(self, probe: Probed) -> str:
        """The state that a check rests on: as it was handed out, else as it is."""
        link = self.known.get(probe.link)
        return probe.rests.state if probe.rests is not None else link.state if link is not None else "STOPPED"

    def _examined(self, check: Examined) -> None:
        probe, link, wish = check.probe, self.known.get(check.probe.link), check.wish
        if wish is not None and check.consents:
            wish.void = any(met.reason == "AUTHORIZATION_REVOKED" for met in probe.met)
        if wish is not None and check.selects and link is not None:
            wish.refused_by_probe = _unreadable(link, probe)
        if link is not None and not check.consents and not check.selects:
            self._provider.checked(link, self._state_under(probe), probe.met, probe.ended)
        self._answered.setdefault(check.probe.link, deque()).append(check)

    def _is_stale(self, check: Examined) -> bool:
        link, rests = self.known.get(check.probe.link), check.probe.rests
        return rests is not None and (link is None or link.changes != rests.changes)

    def _drop(self, check: Examined) -> None:
        """Nothing comes of a check that rests on what has changed since; the operator is alerted all the same."""
        self.stale += 1
        self.alerts += _to_alert(check)

    def _apply_quiet(self, link_id: str, until: datetime) -> None:
        for check in self._until(link_id, until):
            self._quietly(check)

    def _quietly(self, check: Examined) -> None:
        now, link_id = check.probe.ended, check.probe.link
        effect = self._apply(check, now)
        same("", effect, f"what is told of link {link_id}, which met {check.probe.met} at {now:%H:%M:%S}")

    def _apply(self, check: Examined, now: datetime) -> str:
        """Let a check decide; answers what of it is told."""
        self.alerts += _to_alert(check)
        if check.consents:
            return self._consent(check, now)
        link, wish = self.known[check.probe.link], check.wish
        if wish is not None and check.selects:
            wish.effect = not wish.refused_by_probe
        return self._decide(link, check, now)

    def _decide(self, link: LinkByRules, check: Examined, now: datetime) -> str:
        probe, wish, found = check.probe, check.wish, self._found(check, now)
        if wish is not None and wish.selects:
            if wish.breaks or wish.refused_by_probe:
                return ""
            return link.selected(probe.checks, probe.add, found, now)
        same((probe.checks, probe.add), (link.checks, link.add), f"the calendars of link {link.id} that are probed")
        return link.examined(found, check.scopes, now)

    def _found(self, check: Examined, now: datetime) -> Found:
        return Found(check.probe.met, check.confirmed, self._provider.leniency(now))

    def _consent(self, check: Examined, now: datetime) -> str:
        probe, wish = check.probe, check.wish
        assert wish is not None
        agreed = wish.consent
        assert agreed is not None
        refused = probe.link not in self.known and wish.outcome not in ("", "done", LOST)
        if wish.void or refused:
            return ""
        link = self.known.setdefault(probe.link, LinkByRules(probe.link, wish.fields["account"]))
        same((probe.checks, probe.add), _choice(link, wish), f"the calendars that link {link.id} starts with")
        wish.effect, wish.target = True, link.id
        given = Consented(agreed.subject, agreed.email, check.scopes or agreed.scopes, probe.checks, probe.add)
        return link.consented(given, self._found(check, now), now)

    # when nothing is under way

    def rest(self, now: datetime) -> None:
        """Nothing is under way: what was answered and not told of was not to be told."""
        demand(not self._halves, f"to be confirmed by a second probe: {self._halves}")
        for link_id in list(self._answered):
            if link_id not in self.known and not any(check.consents for check in self._answered[link_id]):
                self._lose(self._answered.pop(link_id))
                continue
            self._apply_quiet(link_id, now)
            demand(not self._answered.pop(link_id), f"link {link_id} was checked at a time that is not yet")
        self.endings = [wish for wish in self.endings if not wish.outcome]

    def restarted(self, stored: dict[str, Counts]) -> None:
        """The server ended: as much of what was answered counts as the stored links show, and the rest is lost."""
        self.endings.clear()
        self._halves.clear()
        for link_id, answered in self._answered.items():
            self._lose(answered)
            if link_id in self.known:
                self._take_saved(link_id, answered, stored[link_id])
        self._answered.clear()

    def _lose(self, answered: Iterable[Examined]) -> None:
        """Nobody lived to tell of these; the operator may have been alerted."""
        self.lost_alerts += [alert for check in answered for alert in _to_alert(check)]

    def _take_saved(self, link_id: str, answered: Iterable[Examined], stored: Counts) -> None:
        link = copy(self.known[link_id])
        saved = link if counts_of(link) == stored else None
        for check in answered:
            if self._is_stale(check):
                continue
            link = copy(link)
            if check.consents or self._decide(link, check, check.probe.ended):
                break
            if counts_of(link) == stored:
                saved = link
        demand(saved is not None, f"link {link_id} after the restart is as none of its checks left it: {stored}")
        assert saved is not None
        self.known[link_id] = saved


def counts_of(link: LinkByRules) -> Counts:
    return Counts(link.failures, link.failing_since, link.quota_since, link.last_check)


def _to_alert(check: Examined) -> list[tuple[datetime, str]]:
    return [(check.probe.ended, met.reason) for met in check.probe.met if met.reason in OPERATOR]


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
