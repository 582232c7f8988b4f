"""What docs/rules.md says of a page, said once more: who is faulty, when a page stops, what the owner's hand does."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from tests.simulation.plain import Cause, Fault, PageView, Slack


@dataclass(frozen=True)
class LinkState:
    """What a page's rule looks at in a link."""

    id: str
    state: str
    cause: Cause | None
    checks: tuple[str, ...]
    add: str


def fault_of(account: str, links: Iterable[LinkState]) -> Fault | None:
    """A member is faulty by a link that is FAILED and has check calendars: the one with the lowest id is named."""
    failed = sorted((link for link in links if link.state == "FAILED" and link.checks), key=lambda link: link.id)
    return Fault(account, failed[0].id, failed[0].cause) if failed and failed[0].cause else None


def impaired(links: Iterable[LinkState]) -> bool:
    """A link in use is DEGRADED, or is FAILED with no check calendar selected."""
    return any((link.checks or link.add) and link.state in ("DEGRADED", "FAILED") for link in links)


@dataclass(frozen=True)
class Standing:
    """Where a page stands."""

    state: str
    accepting: bool
    stop_cause: str
    faulty: tuple[Fault, ...]


def standing(mode: str, members: Sequence[Sequence[LinkState]], names: Sequence[str], *, by_hand: bool) -> Standing:
    """Apply the table of the modes to the links of each member, and the owner's hand to what comes of it."""
    faults = [fault_of(name, links) for name, links in zip(names, members, strict=True)]
    faulty = tuple(fault for fault in faults if fault is not None)
    every = bool(names) and len(faulty) == len(names)
    by_rule = bool(faulty) if mode == "ALL_MEMBERS" else every
    if by_rule or by_hand:
        cause = "BOTH" if by_rule and by_hand else "OWNER" if by_hand else "CALENDAR_FAILURE"
        return Standing("STOPPED", accepting=False, stop_cause=cause, faulty=faulty)
    well = not faulty and not any(impaired(links) for links in members)
    return Standing("LINKED" if well else "DEGRADED", accepting=True, stop_cause="NONE", faulty=faulty)


@dataclass
class PageByRules:
    """A page as the rules have it."""

    id: str
    owner: str
    title: str
    mode: str
    members: tuple[tuple[str, int], ...]
    slack: Slack
    faulty_members: str = "KEEP"
    assignment: str = "EVEN"
    by_hand: bool = False
    standing: Standing | None = None
    state_time: datetime | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(account for account, _ in self.members)

    def __str__(self) -> str:
        return f"{self.mode}/{self.owner}/{','.join(self.names)}/{self.slack}"

    def changed(self, fields: dict[str, Any]) -> "PageByRules":
        return replace(self, **fields)

    def settable(self) -> tuple[object, ...]:
        """What callers can set."""
        return (self.owner, self.title, self.mode, self.members, self.slack, self.faulty_members, self.assignment)

    def stand(self, standing: Standing, now: datetime) -> str:
        """Take a new standing; answers STATE_CHANGED, UPDATED, or nothing where nobody is to be told."""
        before, self.standing = self.standing, standing
        if before is None or (before.state, before.stop_cause) != (standing.state, standing.stop_cause):
            self.state_time = now
            return "STATE_CHANGED"
        return "UPDATED" if before.faulty != standing.faulty else ""

    def view(self) -> PageView:
        now = self.standing
        assert now is not None
        assert self.state_time is not None
        return PageView(
            self.id, self.owner, self.title, self.mode, self.members, self.slack,
            now.state, now.accepting, now.stop_cause, now.faulty, self.state_time,
        )  # fmt: skip
