"""Which call a fault strikes.

A rule strikes a call when every field of its match that is set fits. The oldest rule that fits and is not used
up answers; the calls that its `after` skips count, those that another rule answered do not.
"""

import asyncio
from dataclasses import dataclass, field

from calguard_sandbox.errors import NotKnownError
from calguard_sandbox.faults.answers import Answer

GROUPS = {"api": ("calendarlist", "freebusy", "events")}


@dataclass(frozen=True, slots=True)
class Call:
    """A call as the faults see it. `targets` are the calendars or channels it speaks of, by id and by name."""

    surface: str
    endpoint: str
    users: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """The calls a rule is for; a field that is None fits anything.

    `endpoint` fits itself and what begins with it and a dot; `api` is the whole Calendar API.
    """

    surface: str
    endpoint: str | None = None
    user: str | None = None
    target: str | None = None

    def fits(self, call: Call) -> bool:
        """Whether every field that is set fits the call."""
        return (
            self.surface == call.surface
            and (self.endpoint is None or _is_under(call.endpoint, self.endpoint))
            and (self.user is None or self.user.lower() in call.users)
            and (self.target is None or self.target in call.targets)
        )


def _is_under(endpoint: str, wanted: str) -> bool:
    return any(f"{endpoint}.".startswith(f"{name}.") for name in GROUPS.get(wanted, (wanted,)))


@dataclass(slots=True)
class Rule:
    """A fault in force. `times` None is without end; `seen` counts the calls that fitted, `struck` those hit.

    `lifted` is set once it is in force no more.
    """

    id: int
    match: Match
    name: str
    answer: Answer
    times: int | None = None
    after: int = 0
    seen: int = 0
    struck: int = 0
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def used_up(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.times is not None and self.struck >= self.times

    def strikes(self, call: Call) -> bool:
        """Count the call, and say whether this rule answers it."""
        if self.used_up or not self.match.fits(call):
            return False
        self.seen += 1
        if self.seen <= self.after:
            return False
        self.struck += 1
        return True


class FaultBook:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._last_id = 0
        self._released = asyncio.Event()

    def add(self, match: Match, answer: Answer, *, name: str = "raw", times: int | None = None, after: int = 0) -> Rule:
        """Put a rule in force: it skips the first `after` calls that fit, then strikes `times` of them."""
        self._last_id += 1
        rule = Rule(id=self._last_id, match=match, name=name, answer=answer, times=times, after=after)
        self.rules.append(rule)
        return rule

    def take(self, call: Call) -> Rule | None:
        """The rule that answers this call, counted as used; None lets the call through."""
        return next((rule for rule in self.rules if rule.strikes(call)), None)

    def remove(self, rule_id: int) -> None:
        """Lift one rule. What it holds goes on; calls that hang stay hanging."""
        rule = next((rule for rule in self.rules if rule.id == rule_id), None)
        if rule is None:
            raise NotKnownError("rule", str(rule_id))
        self.rules.remove(rule)
        rule.lifted.set()

    def clear(self) -> None:
        """Lift every rule: what they hold goes on, and the connections that hang are dropped."""
        for rule in self.rules:
            rule.lifted.set()
        self.rules.clear()
        released, self._released = self._released, asyncio.Event()
        released.set()

    async def hang(self) -> None:
        """Wait until the rules are cleared."""
        await self._released.wait()
